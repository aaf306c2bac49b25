import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from backend.errors import DatabaseError
from backend.state.database import events, open_database
from backend.state.event_inbox import EventInbox
from backend.state.project_store import ProjectStore, StoredProject


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'state' / 'db.sqlite3'}")


def add_event(inbox: EventInbox, number: int) -> int:
    return inbox.add(
        action="ANNOTATION_CREATED",
        project_id=2,
        task_ids=(number,),
        annotation_ids=(number,),
        skipped=False,
        body={"annotation": {"id": number}},
    )


def test_events_from_many_threads_are_all_kept_in_order_of_their_numbers(engine: Engine) -> None:
    inbox = EventInbox(engine)
    with ThreadPoolExecutor(8) as pool:
        numbers = [future.result(60) for future in [pool.submit(add_event, inbox, n) for n in range(40)]]
    assert sorted(numbers) == list(range(1, 41))
    with engine.connect() as connection:
        kept = {row.id: row.body["annotation"]["id"] for row in connection.execute(select(events))}
    assert [kept[number] for number in numbers] == list(range(40))


def test_events_survive_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    add_event(EventInbox(open_database(url)), 5)
    with open_database(url).connect() as connection:
        assert [row.task_ids for row in connection.execute(select(events))] == [[5]]


def test_a_project_is_stored_replaced_and_found(engine: Engine) -> None:
    store = ProjectStore(engine)
    assert store.find("2.1") is None
    for extra in ({}, {"prelabeller": "otsu"}, {"prelabeller": "otsu"}):
        store.save("2.1", StoredProject("<View/>", extra))
        assert store.find("2.1") == StoredProject("<View/>", extra)
    assert store.find("2.2") is None


def test_simultaneous_set_ups_of_a_new_project_all_succeed(engine: Engine) -> None:
    store = ProjectStore(engine)
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(store.save, "2.1", StoredProject("<View/>", {"n": n})) for n in range(16)]:
            future.result(60)
    assert store.find("2.1") is not None


def test_an_address_that_cannot_be_opened_is_explained_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="MASKLOOP_STATE_DIR"):
        open_database(f"sqlite:///{tmp_path / 'file' / 'db.sqlite3'}")


def test_a_database_that_fails_later_is_a_database_error(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    engine = open_database(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE events")
    connection.close()
    with pytest.raises(DatabaseError, match="storing an event"):
        add_event(EventInbox(engine), 1)
