from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from backend.errors import ImageUnavailableError, LabelStudioError, PrelabelRoundError
from backend.labelstudio.answers import Answer
from backend.labelstudio.payloads import Task
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.task_listing import TaskChoice
from backend.services.bulk_prelabelling import BulkPrelabelling, Finished, Plan
from backend.state.answer_file import AnswerFile
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.requests import CONFIG

VERSION = "unet-2"
ALL = TaskChoice()
Predict = Callable[[Task], Answer]


def answer(task: Task) -> Answer:
    return Answer([], 0.5, VERSION)


def wrong_label(task: Task) -> Answer:
    value = {"x": 1, "y": 1, "width": 5, "height": 5, "rotation": 0, "rectanglelabels": ["Nothing"]}
    item = {"id": "a", "type": "rectanglelabels", "from_name": "box", "to_name": "image", "value": value}
    return Answer([item | {"original_width": 9, "original_height": 9}], 0.5, VERSION)


def failing_on(*numbers: int) -> Predict:
    def predict(task: Task) -> Answer:
        if task.id in numbers:
            raise ImageUnavailableError(f"There is no picture of {task.id}.")
        return answer(task)

    return predict


@pytest.fixture
def studio() -> BulkLabelStudio:
    return BulkLabelStudio(CONFIG, {number: {"image": f"{number}.png"} for number in range(1, 7)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


@pytest.fixture
def bulk(studio: BulkLabelStudio, path: Path) -> Iterator[BulkPrelabelling]:
    with AnswerFile(path, "basis") as answers:
        yield BulkPrelabelling(studio.api, 1, VERSION, answers)


def computed(bulk: BulkPrelabelling, tasks: Sequence[Task], predict: Predict = answer) -> list[Finished]:
    return list(bulk.compute(tasks, predict, PredictionChecks(CONFIG), workers=3))


def numbers(plan: Plan) -> list[int | None]:
    return [task.id for task in plan.compute]


def test_a_round_imports_everything_once_and_a_second_one_nothing(
    studio: BulkLabelStudio, bulk: BulkPrelabelling, path: Path
) -> None:
    plan = bulk.plan(ALL)
    assert numbers(plan) == [1, 2, 3, 4, 5, 6]
    assert sorted(each.task_id for each in computed(bulk, plan.compute)) == [1, 2, 3, 4, 5, 6]
    assert bulk.store([1, 2, 3, 4, 5, 6]).n_stored == 6
    assert studio.writes == ["POST /api/projects/1/import/predictions"]
    assert [each["task"] for each in studio.predictions] == [1, 2, 3, 4, 5, 6]
    assert studio.predictions[0] == {"task": 1, "result": [], "score": 0.5, "model_version": VERSION}
    assert not path.exists()
    again = bulk.plan(ALL)
    assert (again.compute, again.finished, again.n_stored) == ((), (), 6)


def test_computed_tasks_wait_for_their_import(bulk: BulkPrelabelling) -> None:
    computed(bulk, bulk.plan(ALL).compute[:2])
    plan = bulk.plan(ALL)
    assert plan.finished == (1, 2)
    assert numbers(plan) == [3, 4, 5, 6]


def test_a_task_with_new_data_is_computed_again(studio: BulkLabelStudio, bulk: BulkPrelabelling) -> None:
    computed(bulk, bulk.plan(ALL).compute)
    studio.tasks[2] = {"image": "other.png"}
    assert numbers(bulk.plan(ALL)) == [2]


def test_a_limit_counts_tasks_that_are_left_to_do(studio: BulkLabelStudio, bulk: BulkPrelabelling) -> None:
    studio.predictions = [{"task": 1, "model_version": VERSION}, {"task": 2, "model_version": "unet-20"}]
    plan = bulk.plan(ALL, limit=3)
    assert (numbers(plan), plan.n_stored) == ([2, 3, 4], 1)


def test_finished_tasks_and_unknown_numbers_are_told_apart(
    studio: BulkLabelStudio, bulk: BulkPrelabelling
) -> None:
    studio.finished = {1, 2, 3}
    assert numbers(bulk.plan(TaskChoice(unfinished=True))) == [4, 5, 6]
    plan = bulk.plan(TaskChoice(numbers=frozenset({2, 5, 77})))
    assert (numbers(plan), plan.unknown) == ([2, 5], (77,))


def test_a_task_that_fails_has_its_reason_and_stops_nobody(bulk: BulkPrelabelling) -> None:
    tried = computed(bulk, bulk.plan(ALL).compute, failing_on(2, 5))
    problems = {each.task_id: each.problem for each in tried if each.problem is not None}
    assert problems == {2: "There is no picture of 2.", 5: "There is no picture of 5."}
    assert numbers(bulk.plan(ALL)) == [2, 5]


def test_pre_labels_that_an_import_would_drop_are_a_failure_of_their_task(bulk: BulkPrelabelling) -> None:
    (tried,) = computed(bulk, bulk.plan(ALL).compute[:1], wrong_label)
    assert tried.problem is not None
    assert tried.problem.startswith("Its pre-labels cannot be imported: ")
    assert "Nothing" in tried.problem
    assert bulk.plan(ALL).finished == ()


def test_another_version_in_the_middle_ends_the_round(bulk: BulkPrelabelling) -> None:
    with pytest.raises(PrelabelRoundError, match="'unet-3' now, no longer 'unet-2'"):
        computed(bulk, bulk.plan(ALL).compute, lambda task: Answer([], 0.5, "unet-3"))


def test_tasks_are_computed_by_several_threads_at_once(bulk: BulkPrelabelling) -> None:
    together = threading.Barrier(3, timeout=60)

    def predict(task: Task) -> Answer:
        together.wait()
        return answer(task)

    assert len(computed(bulk, bulk.plan(ALL).compute, predict)) == 6


def test_a_round_that_is_given_up_begins_no_further_task(bulk: BulkPrelabelling) -> None:
    begun = []

    def predict(task: Task) -> Answer:
        begun.append(task.id)
        return answer(task)

    tasks = [Task(number, 1, {"image": "a.png"}) for number in range(1, 101)]
    running = bulk.compute(tasks, predict, PredictionChecks(CONFIG), workers=1)
    next(running)
    running.close()
    assert len(begun) < 10


def test_predictions_that_label_studio_leaves_out_are_named(
    studio: BulkLabelStudio, bulk: BulkPrelabelling
) -> None:
    computed(bulk, bulk.plan(ALL).compute)
    studio.refuses = {3}
    imported = bulk.store([1, 2, 3])
    assert imported.n_stored == 2
    assert imported.refused == {3: "Label Studio did not take the prediction; its log says why."}


def test_tasks_that_were_deleted_meanwhile_keep_nobody_from_their_predictions(
    studio: BulkLabelStudio, bulk: BulkPrelabelling
) -> None:
    computed(bulk, bulk.plan(ALL).compute)
    del studio.tasks[4]
    imported = bulk.store([1, 2, 3, 4, 5])
    assert imported.n_stored == 4
    assert imported.refused == {4: "The task was deleted meanwhile."}
    assert sorted(each["task"] for each in studio.predictions) == [1, 2, 3, 5]


def test_a_deleted_task_in_a_later_call_imports_nothing_twice(studio: BulkLabelStudio, path: Path) -> None:
    with AnswerFile(path, "basis") as answers:
        bulk = BulkPrelabelling(studio.api, 1, VERSION, answers, max_call_bytes=10)
        computed(bulk, bulk.plan(ALL).compute)
        del studio.tasks[4]
        imported = bulk.store([1, 2, 3, 4, 5])
    assert imported.n_stored == 4
    assert sorted(each["task"] for each in studio.predictions) == [1, 2, 3, 5]


def test_a_refusal_that_deleted_tasks_do_not_explain_is_an_error(
    studio: BulkLabelStudio, bulk: BulkPrelabelling
) -> None:
    computed(bulk, bulk.plan(ALL).compute)
    studio.broken = True
    with pytest.raises(LabelStudioError, match="would not import predictions into project 1: 400"):
        bulk.store([1])
    assert bulk.plan(ALL).finished == (1, 2, 3, 4, 5, 6)


def test_only_versions_of_this_service_count_as_older(
    studio: BulkLabelStudio, bulk: BulkPrelabelling
) -> None:
    names = ("unet-1", "unet-1", VERSION, "watershed-1", "gpt", "undefined")
    studio.predictions = [{"task": 1, "model_version": name} for name in names]
    assert bulk.older_versions(("unet", "watershed")) == {"unet-1": 2, "watershed-1": 1}
    bulk.delete("unet-1")
    assert bulk.older_versions(("unet", "watershed")) == {"watershed-1": 1}
    assert studio.versions()["undefined"] == 1
