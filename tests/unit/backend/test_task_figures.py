"""Looks of versions at tasks: stored, replaced, read in pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine

from backend.errors import DatabaseError
from backend.state.database import open_database
from backend.state.task_figures import DISAGREEMENT, EMBEDDING, FIGURES, INFORMATION, TaskFigures, TaskLook
from models.prelabel.figures import PictureFigures

PROJECT, VERSION = 3, "unet-p3-1-00000000"
N_MANY = 4500


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


def figures(entropy: float, information: float | None = None) -> PictureFigures:
    return PictureFigures(0.2, 0.1, 0.3, entropy, 0.5, 0.9, (0.1, 0.1), (0.4, 0.0), information)


def numbers(*values: int) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def test_what_is_stored_is_found_again(engine: Engine) -> None:
    store = TaskFigures(engine)
    looks = [TaskLook(7, "b", figures(0.75, 0.5), 0.25), TaskLook(5, "a", figures(0.25))]
    store.store(PROJECT, VERSION, looks)
    (page,) = store.pages(PROJECT, VERSION, numbers(4, 5, 7))
    assert [(look.task_id, look.digest, look.figures, look.disagreement) for look in page] == [
        (5, "a", figures(0.25), None),
        (7, "b", figures(0.75, 0.5), 0.25),
    ]


def test_a_later_look_replaces_the_earlier_one(engine: Engine) -> None:
    store = TaskFigures(engine)
    store.store(PROJECT, VERSION, [TaskLook(5, "a", figures(0.25), 0.5)])
    store.store(PROJECT, VERSION, [TaskLook(5, "b", figures(0.75))])
    ((look,),) = store.pages(PROJECT, VERSION, numbers(5))
    assert (look.digest, look.figures, look.disagreement) == ("b", figures(0.75), None)


@pytest.mark.parametrize(
    ("parts", "tasks"),
    [
        ((), {1, 2, 3}),
        ((EMBEDDING,), {1, 3}),
        ((FIGURES,), {2, 3}),
        ((FIGURES, INFORMATION), {3}),
        ((FIGURES, DISAGREEMENT), {2}),
    ],
)
def test_tasks_of_which_something_is_missing_are_not_complete(
    engine: Engine, parts: tuple[str, ...], tasks: set[int]
) -> None:
    store, embedding = TaskFigures(engine), np.full(4, 0.5, dtype=np.float32)
    store.store(
        PROJECT,
        VERSION,
        [
            TaskLook(1, "a", embedding=embedding),
            TaskLook(2, "a", figures(0.5), 0.5),
            TaskLook(3, "a", figures(0.5, 0.5), embedding=embedding),
        ],
    )
    assert store.complete(PROJECT, VERSION, parts) == dict.fromkeys(tasks, "a")
    assert store.complete(PROJECT, "unet-p3-2-00000000", parts) == {}
    assert store.complete(PROJECT + 1, VERSION, parts) == {}


def test_embeddings_of_some_of_many_tasks_come_in_the_order_asked_for(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N_MANY, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = TaskFigures(engine)
    store.store(PROJECT, VERSION, [TaskLook(index, "a", embedding=vectors[index]) for index in range(N_MANY)])
    wanted = np.arange(1, N_MANY, 3, dtype=np.int64)
    found = store.embeddings(PROJECT, VERSION, wanted)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, vectors[wanted], atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_a_missing_embedding_is_said(engine: Engine) -> None:
    store = TaskFigures(engine)
    store.store(PROJECT, VERSION, [TaskLook(5, "a", embedding=np.full(4, 0.5, dtype=np.float32))])
    with pytest.raises(DatabaseError, match="1 tasks of project 3"):
        store.embeddings(PROJECT, VERSION, numbers(5, 6))


def test_nothing_is_asked_for_and_nothing_is_answered(engine: Engine) -> None:
    store = TaskFigures(engine)
    assert store.embeddings(PROJECT, VERSION, numbers()).shape == (0, 0)
    assert list(store.pages(PROJECT, VERSION, numbers())) == []


def test_looks_of_other_versions_are_forgotten(engine: Engine) -> None:
    store = TaskFigures(engine)
    for project, version in [(PROJECT, "looks-1"), (PROJECT, VERSION), (PROJECT + 1, "looks-1")]:
        store.store(project, version, [TaskLook(5, "a")])
    store.forget_others(PROJECT, [VERSION])
    assert store.complete(PROJECT, "looks-1", ()) == {}
    assert store.complete(PROJECT, VERSION, ()) == {5: "a"}
    assert store.complete(PROJECT + 1, "looks-1", ()) == {5: "a"}


def test_a_broken_database_is_said(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE task_figures")
    with pytest.raises(DatabaseError, match="storing what a version says about tasks"):
        TaskFigures(engine).store(PROJECT, VERSION, [TaskLook(5, "a")])
    with pytest.raises(DatabaseError, match="reading what a version says about tasks"):
        TaskFigures(engine).complete(PROJECT, VERSION, ())
