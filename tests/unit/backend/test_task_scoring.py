"""What a round of the queue knows of tasks: computed once for each picture and version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import Engine

from backend.labelstudio.answers import Answer
from backend.labelstudio.client import Project
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.observability import Metrics
from backend.parts import image_loader
from backend.project_model import project_model
from backend.services.bulk_prelabelling import BulkPrelabelling, Finished
from backend.services.task_looks import TaskLooks, UntrainedEye
from backend.services.task_scoring import TaskScoring
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.answer_file import AnswerFile
from backend.state.database import open_database
from backend.state.device_gate import DeviceGate
from backend.state.model_store import ModelStore
from backend.state.task_figures import DISAGREEMENT, EMBEDDING, FIGURES, INFORMATION, TaskFigures
from models.prelabel.looks import Looks
from models.prelabel.watershed import Watershed
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.random_unet import write_random_unet
from tests.fakes.requests import CONFIG, coins_picture
from tests.fakes.versions import SCHEMA, facts

PROJECT = Project(1, "Cells", CONFIG, "", True)
TWO_IMAGES = """<View>
  <Image name="first" value="$one"/><Image name="second" value="$two"/>
  <BrushLabels name="a" toName="first"><Label value="Coin"/></BrushLabels>
  <BrushLabels name="b" toName="second"><Label value="Coin"/></BrushLabels>
</View>"""
LOOKS = frozenset({"embeddings"})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "files" / "imgs"
    folder.mkdir(parents=True)
    for number in range(4):
        picture = np.roll(coins_picture(600, 800, seed=number), 100 * number, axis=1)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(picture, (160, 120)))
    (folder / "broken.png").write_bytes(b"no picture")
    return Settings(
        state_dir=tmp_path / "state",
        label_studio_url="http://127.0.0.1:9",
        local_files_root=tmp_path / "files",
    )


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return open_database(settings.resolved_database_url)


def tasks(*names: object, first: int = 1) -> list[Task]:
    return [
        Task(number, 1, {"image": f"/data/local-files/?d=imgs/{name}.png"})
        for number, name in enumerate(names, start=first)
    ]


def train(settings: Settings, engine: Engine, tmp_path: Path, *, seed: int, side: int = 64) -> str:
    """Publish a network that has learned nothing, and use it."""
    folder = write_random_unet(tmp_path / f"network-{seed}", SCHEMA, side=side, seed=seed)
    info = ModelStore(settings.versions_dir).publish(1, folder, facts())
    ActiveVersions(engine).activate(1, "prelabel", info.name, "a test")
    return info.name


@contextmanager
def scoring(settings: Settings, engine: Engine, uses: frozenset[str] = LOOKS) -> Iterator[TaskScoring]:
    model = project_model(settings, PROJECT)
    path = settings.resolved_state_dir / "queue" / f"{model.version}.jsonl"
    with AnswerFile(path, model.basis) as answers:
        bulk = BulkPrelabelling(BulkLabelStudio(CONFIG, {}).api, 1, model.version, answers)
        yield TaskScoring(
            model.looks(uses),
            TaskFigures(engine),
            answers,
            bulk,
            project_id=1,
            workers=model.workers,
        )


def run(score: TaskScoring, candidates: list[Task], labelled: list[Task] | None = None) -> list[Finished]:
    missing = score.missing(candidates, labelled or [])
    return list(score.compute(missing, PredictionChecks(CONFIG)))


def left(score: TaskScoring, candidates: list[Task]) -> tuple[list[int | None], list[int | None]]:
    missing = score.missing(candidates, [])
    return [task.id for task in missing.answers], [task.id for task in missing.looks]


def test_before_the_first_training_pictures_are_described_and_only_once(
    settings: Settings, engine: Engine
) -> None:
    with scoring(settings, engine) as score:
        assert {each.problem for each in run(score, tasks(0, 1, 2))} == {None}
        assert left(score, tasks(0, 1, 2)) == ([], [])
    with scoring(settings, engine) as score:
        assert left(score, tasks(0, 3, 2, 1)) == ([2, 4], [])
    stored = TaskFigures(engine)
    assert stored.complete(1, "looks-1", [FIGURES]) == {}
    embeddings = stored.embeddings(1, "looks-1", np.array([1, 2, 3]))
    likeness = embeddings @ embeddings.T
    assert likeness[np.triu_indices(3, 1)].max() < 0.999
    np.testing.assert_allclose(np.diag(likeness), 1, atol=1e-5)


def test_a_trained_version_says_how_sure_it_is_and_answers_as_the_service_does(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    version = train(settings, engine, tmp_path, seed=0)
    (task,) = tasks(0)
    with scoring(settings, engine, frozenset({"entropy"})) as score:
        run(score, [task])
        (answer,) = score._answers.predictions([1])
    expected = project_model(settings, PROJECT).predict(task)
    without_ids = [
        [{key: value for key, value in item.items() if key != "id"} for item in result]
        for result in (answer["result"], expected.result)
    ]
    assert without_ids[0] == without_ids[1]
    ((look,),) = TaskFigures(engine).pages(1, version, np.array([1]))
    assert look.figures is not None
    assert look.figures.quality == pytest.approx(expected.score)
    assert 0 < look.figures.entropy <= 1


def test_a_new_version_looks_at_everything_again(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    train(settings, engine, tmp_path, seed=0)
    with scoring(settings, engine) as score:
        run(score, tasks(0, 1))
    train(settings, engine, tmp_path, seed=1)
    with scoring(settings, engine) as score:
        assert left(score, tasks(0, 1)) == ([1, 2], [])


def test_a_selector_that_wants_more_makes_the_version_look_again_but_not_answer_again(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    train(settings, engine, tmp_path, seed=0, side=96)
    version = train(settings, engine, tmp_path, seed=1)
    with scoring(settings, engine) as score:
        run(score, tasks(0, 1))
    for figure in (INFORMATION, DISAGREEMENT):
        with scoring(settings, engine, frozenset({figure})) as score:
            assert left(score, tasks(0, 1)) == ([], [1, 2])
            run(score, tasks(0, 1))
            assert left(score, tasks(0, 1)) == ([], [])
            assert set(TaskFigures(engine).complete(1, version, [figure, EMBEDDING])) == {1, 2}
    (page,) = TaskFigures(engine).pages(1, version, np.array([1, 2]))
    assert all(look.disagreement is not None and 0 < look.disagreement <= 1 for look in page)


def test_annotated_tasks_are_only_described(settings: Settings, engine: Engine) -> None:
    with scoring(settings, engine) as score:
        run(score, tasks(0), tasks(1, first=2))
        assert score._answers.task_ids == {1}
    assert set(TaskFigures(engine).complete(1, "looks-1", [EMBEDDING])) == {1, 2}


def test_nothing_is_described_for_a_selector_that_does_not_look(settings: Settings, engine: Engine) -> None:
    with scoring(settings, engine, frozenset()) as score:
        run(score, tasks(0), tasks(1, first=2))
        assert left(score, tasks(0)) == ([], [])
    assert TaskFigures(engine).complete(1, "looks-1", [EMBEDDING]) == {}


def test_a_task_that_fails_has_its_reason_and_is_tried_again(settings: Settings, engine: Engine) -> None:
    with scoring(settings, engine) as score:
        tried = run(score, tasks(0, "broken"), tasks("broken", first=3))
        problems = {each.task_id for each in tried if each.problem is not None}
        assert problems == {2, 3}
        assert left(score, tasks(0, "broken")) == ([2], [])


def test_a_task_whose_objects_come_from_its_neighbours_is_looked_at_all_the_same(settings: Settings) -> None:
    looks = TaskLooks(
        UntrainedEye(Watershed(), Looks()),
        Watershed(),
        answer=lambda task, model: Answer([], 0.5, model.version),
        images=image_loader(settings, Metrics()),
        gate=DeviceGate(1, 1, on_wait=lambda seconds: None),
        config=LabelConfig.parse(CONFIG),
    )
    answer, look = looks.answered(tasks(0)[0])
    assert (answer.model_version, look.task_id) == ("watershed-1", 1)
    assert look.embedding is not None


def test_a_task_of_several_pictures_is_as_good_as_its_worst_and_as_uncertain_as_their_mean(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    version = train(settings, engine, tmp_path, seed=0)
    singles = tasks(0, 2)
    with scoring(settings, engine) as score:
        run(score, singles)
    ((one, other),) = TaskFigures(engine).pages(1, version, np.array([1, 2]))
    together = [each.figures for each in (one, other) if each.figures is not None]
    project = Project(1, "Cells", TWO_IMAGES, "", True)
    looks = project_model(settings, project).looks(LOOKS)
    task = Task(3, 1, {"one": singles[0].data["image"], "two": singles[1].data["image"]})
    _, look = looks.answered(task)
    assert look.figures is not None and look.embedding is not None
    assert look.figures.quality == pytest.approx(min(each.quality for each in together), abs=1e-4)
    assert look.figures.entropy == pytest.approx(np.mean([each.entropy for each in together]), abs=1e-4)
    assert look.figures.class_shares[0] == pytest.approx(
        np.mean([each.class_shares[0] for each in together]), abs=1e-4
    )
    assert np.linalg.norm(look.embedding) == pytest.approx(1)


def test_what_was_ready_when_the_work_was_stopped_is_kept(settings: Settings, engine: Engine) -> None:
    with scoring(settings, engine) as score:
        missing = score.missing(tasks(*range(4)), [])
        computing = score.compute(missing, PredictionChecks(CONFIG))
        first = next(computing)
        computing.close()
    assert first.task_id in TaskFigures(engine).complete(1, "looks-1", [EMBEDDING])
    with scoring(settings, engine) as score:
        assert first.task_id not in left(score, tasks(*range(4)))[0]
