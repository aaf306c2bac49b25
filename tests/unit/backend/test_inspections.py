"""What was found out about annotated pictures: kept, replaced, forgotten, accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend.errors import DatabaseError
from backend.state.database import open_database
from backend.state.inspections import (
    ALL_RULES,
    Dismissal,
    Inspections,
    Look,
    Measured,
    PictureKey,
    Verdict,
)

PROJECT = 3
FIRST, SECOND, OTHER = PictureKey(5, 50, "image"), PictureKey(5, 51, "image"), PictureKey(7, 70, "image")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


@pytest.fixture
def store(engine: Engine) -> Inspections:
    return Inspections(engine)


def measured(key: PictureKey, digest: str = "a", **values: int) -> Measured:
    return Measured(
        key, Look(digest, "c", False, "unet-1", True), {rule: {"n": value} for rule, value in values.items()}
    )


def test_what_rules_measured_is_found_rule_by_rule(store: Inspections) -> None:
    store.keep(PROJECT, [measured(OTHER, holes=3), measured(FIRST, holes=1, size=2)])
    assert store.measured(PROJECT, "holes") == {FIRST: {"n": 1}, OTHER: {"n": 3}}
    assert store.measured(PROJECT, "size") == {FIRST: {"n": 2}}
    assert store.measured(PROJECT, "holes", OTHER.task_id) == {OTHER: {"n": 3}}
    assert store.measured(PROJECT + 1, "holes") == {}
    assert store.looks(PROJECT) == {key: Look("a", "c", False, "unet-1", True) for key in (FIRST, OTHER)}


def test_another_look_replaces_all_that_was_measured_before(store: Inspections) -> None:
    store.keep(PROJECT, [measured(FIRST, holes=1, size=2), measured(SECOND, size=4)])
    store.keep(PROJECT, [measured(FIRST, "b", size=3)])
    assert store.measured(PROJECT, "holes") == {}
    assert store.measured(PROJECT, "size") == {FIRST: {"n": 3}, SECOND: {"n": 4}}
    assert store.looks(PROJECT, FIRST.task_id)[FIRST].digest == "b"


def test_a_verdict_stays_until_there_is_a_new_one(store: Inspections) -> None:
    verdict = Verdict(0.75, ({"rule": "holes", "severity": 0.7},))
    store.keep(PROJECT, [measured(FIRST), measured(OTHER)])
    store.judge(PROJECT, {FIRST: verdict})
    store.keep(PROJECT, [measured(FIRST, "b")])
    assert store.verdicts(PROJECT) == {FIRST: verdict, OTHER: Verdict()}
    assert store.verdicts(PROJECT, OTHER.task_id) == {OTHER: Verdict()}


def test_confirming_a_look_changes_the_version_that_was_asked_and_nothing_else(store: Inspections) -> None:
    store.keep(PROJECT, [measured(FIRST, holes=1)])
    store.confirm(PROJECT, [FIRST], "unet-2")
    assert store.looks(PROJECT) == {FIRST: Look("a", "c", False, "unet-2", True)}
    assert store.measured(PROJECT, "holes") == {FIRST: {"n": 1}}


def test_what_is_gone_is_forgotten_and_nothing_else(store: Inspections) -> None:
    store.keep(PROJECT, [measured(key, holes=1) for key in (FIRST, SECOND, OTHER)])
    store.forget(PROJECT, [FIRST])
    assert list(store.measured(PROJECT, "holes")) == [SECOND, OTHER]
    assert set(store.looks(PROJECT)) == {SECOND, OTHER}
    store.forget_project(PROJECT)
    assert store.looks(PROJECT) == {}
    assert store.measured(PROJECT, "holes") == {}


def test_what_people_accepted_outlives_what_was_measured(store: Inspections) -> None:
    accepted = [Dismissal(50, "holes", "abc"), Dismissal(51, ALL_RULES, "def")]
    for _ in range(2):
        store.dismiss(PROJECT, 5, accepted)
    store.dismiss(PROJECT, 7, [Dismissal(70, "holes", "abc")])
    store.forget_project(PROJECT)
    assert store.dismissals(PROJECT, 5) == set(accepted)
    assert len(store.dismissals(PROJECT)) == 3


def test_accepting_again_holds_for_what_the_annotation_is_now(store: Inspections) -> None:
    store.dismiss(PROJECT, 5, [Dismissal(50, "holes", "before")])
    store.dismiss(PROJECT, 5, [Dismissal(50, "holes", "after")])
    assert store.dismissals(PROJECT) == {Dismissal(50, "holes", "after")}


def test_a_database_without_its_tables_is_one_error(engine: Engine, store: Inspections) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE inspections")
    with pytest.raises(DatabaseError):
        store.looks(PROJECT)
    with pytest.raises(DatabaseError):
        store.keep(PROJECT, [measured(FIRST)])


def test_what_was_learned_holds_for_the_rules_that_learned_it(store: Inspections) -> None:
    store.learn(PROJECT, "a", {"holes": {"n": 1}, "size": {}})
    assert store.usual(PROJECT, "a") == {"holes": {"n": 1}, "size": {}}
    assert store.usual(PROJECT, "b") == {}
    store.learn(PROJECT, "b", {"holes": {"n": 2}})
    assert store.usual(PROJECT, "b") == {"holes": {"n": 2}}
    assert store.usual(PROJECT, "a") == {"size": {}}
