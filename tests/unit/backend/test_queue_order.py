"""From stored figures and task data to what a selector sees, and back to tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from backend.labelstudio.payloads import Task
from backend.selection import SELECTORS
from backend.selection.base import Indices, Numbers, Selector, Situation
from backend.services.queue_order import QueueOrder
from backend.services.sequences import SequenceFields
from backend.state.database import open_database
from backend.state.task_figures import TaskFigures, TaskLook
from models.prelabel.figures import PictureFigures

PROJECT, VERSION = 3, "unet-p3-1-00000000"
N_MANY = 2500
"""More than one page of the store."""


class Curious(Selector):
    """Orders by one figure and keeps what it was shown."""

    name = "curious"
    uses = frozenset({"embeddings", "entropy"})

    def __init__(self) -> None:
        self.seen: Situation | None = None

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        self.seen = situation
        assert situation.figures is not None
        return situation.figures.entropy

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        return np.arange(len(situation.candidates))[-budget:]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


def figures(number: int) -> PictureFigures:
    share = number / N_MANY
    return PictureFigures(share, 0.1, 0.2, (number * 7 % 11) / 11, 0.5, 0.9, (share, 0.0), (0.5, share))


def embedding(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    angle = number / N_MANY
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def tasks(*numbers: int, **data: object) -> list[Task]:
    return [Task(number, PROJECT, {"image": f"{number}.png", **data}) for number in numbers]


def order(engine: Engine, *, trained: bool = True) -> QueueOrder:
    return QueueOrder(
        TaskFigures(engine),
        project_id=PROJECT,
        seen_by=VERSION,
        trained=trained,
        sequences=SequenceFields(("sequence",), ("frame",)),
    )


def look(engine: Engine, *numbers: int, disagreement: float | None = None) -> None:
    looks = [TaskLook(each, "d", figures(each), disagreement, embedding(each)) for each in numbers]
    TaskFigures(engine).store(PROJECT, VERSION, looks)


def test_a_selector_sees_the_figures_of_every_task_in_its_place(engine: Engine) -> None:
    numbers = range(1, N_MANY + 1)
    look(engine, *numbers)
    curious = Curious()
    made = order(engine).make(curious, tasks(*range(3, N_MANY + 1)), tasks(1, 2), budget=2, seed=0)
    seen = curious.seen
    assert seen is not None and seen.figures is not None
    expected = np.array([figures(each).entropy for each in range(3, N_MANY + 1)])
    np.testing.assert_allclose(seen.figures.entropy, expected)
    assert seen.figures.class_entropy.shape == (N_MANY - 2, 2)
    assert seen.figures.disagreement is None and seen.figures.mutual_information is None
    np.testing.assert_allclose(seen.candidates.embeddings[4], embedding(7), atol=1e-3)
    np.testing.assert_allclose(seen.labelled.embeddings[1], embedding(2), atol=1e-3)
    assert made.task_ids[:2].tolist() == [N_MANY - 1, N_MANY]
    assert made.utilities.tolist() == [figures(each).entropy for each in made.task_ids.tolist()]
    assert np.all(np.diff(made.utilities[2:]) <= 0)


def test_sequences_are_told_by_data_and_meta_and_tasks_without_one_stand_alone(engine: Engine) -> None:
    curious = Curious()
    candidates = [
        *tasks(1, sequence="a", frame=4),
        *tasks(2, sequence="b"),
        *tasks(3, 4),
        Task(5, PROJECT, {"image": "5.png"}, meta={"sequence": "a", "frame": "7"}),
    ]
    look(engine, *range(1, 7))
    order(engine).make(curious, candidates, tasks(6, sequence="b", frame=1), budget=1, seed=0)
    assert curious.seen is not None
    groups = [*curious.seen.candidates.groups, *curious.seen.labelled.groups]
    assert groups[0] == groups[4]
    assert groups[1] == groups[5]
    assert len(set(groups)) == 4
    np.testing.assert_array_equal(curious.seen.candidates.frames, [4, np.nan, np.nan, np.nan, 7])


def test_a_task_that_needs_another_annotation_is_candidate_and_annotated(engine: Engine) -> None:
    look(engine, 1, N_MANY)
    made = order(engine).make(SELECTORS.create("core-set"), tasks(1, N_MANY), tasks(1), budget=1, seed=0)
    assert made.task_ids.tolist() == [N_MANY, 1]


def test_disagreement_counts_if_it_is_known_of_all_tasks(engine: Engine) -> None:
    curious = Curious()
    look(engine, 1, 2, disagreement=0.25)
    order(engine).make(curious, tasks(1, 2), [], budget=1, seed=0)
    assert curious.seen is not None and curious.seen.figures is not None
    assert curious.seen.figures.disagreement is not None
    assert curious.seen.figures.disagreement.tolist() == [0.25, 0.25]


def test_before_the_first_training_there_are_no_figures(engine: Engine) -> None:
    TaskFigures(engine).store(
        PROJECT, VERSION, [TaskLook(each, "d", embedding=embedding(each)) for each in range(1, 9)]
    )
    candidates = tasks(*range(1, 9))
    made = order(engine, trained=False).make(SELECTORS.create("auto"), candidates, [], budget=3, seed=0)
    assert sorted(made.task_ids.tolist()) == list(range(1, 9))


def test_a_selector_that_does_not_look_needs_nothing_stored(engine: Engine) -> None:
    made = [
        order(engine).make(SELECTORS.create("random"), tasks(*range(1, 30)), [], budget=3, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert made[0].task_ids.tolist() == made[1].task_ids.tolist() != made[2].task_ids.tolist()
