"""Brings the tables of a database up to date, by the revisions in `backend/state/migrations`."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from backend.errors import DatabaseError

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x6D61736B
"""Of PostgreSQL's advisory locks: any number that nothing else in the database locks."""
_ALEMBIC = threading.Lock()  # what its scripts see as their context is one for the whole process


def bring_up_to_date(engine: Engine) -> None:
    """Run the revisions that the database lacks, all of them or none.

    Processes that open the same database at once take turns. Nothing is written when nothing is missing.

    Raises:
        DatabaseError: The database was made by a newer release.
        SQLAlchemyError: It cannot be read or changed.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _is_up_to_date(connection, scripts):
            return
    with engine.connect() as connection, connection.begin():
        _wait_for_turn(connection)
        if not _is_up_to_date(connection, scripts):
            config.attributes["connection"] = connection
            with _ALEMBIC:
                command.upgrade(config, "head")


def _is_up_to_date(connection: Connection, scripts: ScriptDirectory) -> bool:
    present = MigrationContext.configure(connection).get_current_heads()
    known = {revision.revision for revision in scripts.walk_revisions()}
    if not known.issuperset(present):
        raise DatabaseError(
            f"The database was made by a newer Maskloop (revision {', '.join(present)}). Install that "
            "release again, or restore the backup from before it was used."
        )
    return set(present) == set(scripts.get_heads())


def _wait_for_turn(connection: Connection) -> None:
    """Keep other processes out until the end of the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
