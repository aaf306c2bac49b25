"""Connections whose failures say what they were for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import DatabaseError


@contextmanager
def reading(engine: Engine, what: str) -> Iterator[Connection]:
    """A connection to read with.

    Args:
        engine: The database.
        what: What is read, for the message of a failure, such as "events".

    Raises:
        DatabaseError: The database fails inside the block.
    """
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise DatabaseError.while_doing(f"reading {what}", error) from error


@contextmanager
def storing(engine: Engine, what: str) -> Iterator[Connection]:
    """A transaction, which is undone if the block ends with an error; see `reading`."""
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise DatabaseError.while_doing(f"storing {what}", error) from error
