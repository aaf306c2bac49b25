import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, event

from backend.errors import DatabaseError
from backend.state.database import metadata, open_database
from backend.state.project_store import ProjectStore, StoredProject
from tests.fakes.old_schema import OLD_SCHEMAS, make_old_database

ROOT = Path(__file__).resolve().parents[3]


def differences(engine: Engine) -> object:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, metadata)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_the_revisions_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    assert differences(open_database(url(tmp_path / "a % b" / "db.sqlite3"))) == []


@pytest.mark.parametrize("schema", OLD_SCHEMAS)
def test_a_database_from_before_the_migrations_is_brought_up_to_date_and_keeps_what_it_holds(
    tmp_path: Path, schema: str
) -> None:
    make_old_database(tmp_path / "db.sqlite3", schema)
    for _ in range(2):
        engine = open_database(url(tmp_path / "db.sqlite3"))
        assert differences(engine) == []
        assert ProjectStore(engine).find("2.1") == StoredProject("<View/>", {"prelabeller": "otsu"})


def test_opening_a_database_that_is_up_to_date_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    open_database(url(path)).dispose()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")  # whoever wanted to write would wait, and then fail
    open_database(url(path)).dispose()
    writer.rollback()
    writer.close()


OPEN_MANY = """
import sys, time
from backend.state import database
database._WAIT_S = 60.0
for number in range(20):
    time.sleep(max(0, float(sys.argv[2]) + 0.15 * number - time.time()))
    database.open_database(f"{sys.argv[1]}-{number}").dispose()
"""
"""Opens new databases, each at a moment at which others open it, too."""


def test_processes_that_open_empty_databases_at_once_all_get_them_complete(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN_MANY, url(tmp_path / "db"), str(time.time() + 3)]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=200)[1] for process in processes] == [""] * 4
    assert differences(open_database(url(tmp_path / "db-19"))) == []


def test_threads_that_open_an_empty_database_at_once_all_get_it_complete(tmp_path: Path) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(differences(open_database(url(tmp_path / "db.sqlite3"))))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [[]] * 8


def test_an_upgrade_that_is_interrupted_changes_nothing_and_is_done_the_next_time(tmp_path: Path) -> None:
    make_old_database(tmp_path / "db.sqlite3", "first")

    def full(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE activations" in statement:
            raise OSError("no space left")

    event.listen(Engine, "before_cursor_execute", full)
    try:
        with pytest.raises(DatabaseError, match="no space left"):
            open_database(url(tmp_path / "db.sqlite3"))
    finally:
        event.remove(Engine, "before_cursor_execute", full)
    with sqlite3.connect(tmp_path / "db.sqlite3") as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    connection.close()
    assert tables == {"projects", "events"}
    assert differences(open_database(url(tmp_path / "db.sqlite3"))) == []


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    open_database(url(path)).dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseError, match="newer Maskloop"):
        open_database(url(path))
