"""Insert rows, or change those that are there, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    change: Callable[[Any], Mapping[str, Any]] | None = None,
    *,
    only_if: Callable[[Any], ColumnElement[bool]] | None = None,
) -> None:
    """Insert rows; where the primary key is there already, change the row.

    Args:
        connection: In a transaction.
        table: Where.
        rows: With a value for every column; in an order of the keys that all writers keep, against deadlocks.
        change: The new values, from those that could not be inserted (`excluded`); all columns by default.
        only_if: Which rows to change, from the same; all by default.
    """
    if not rows:
        return
    insert: Callable[..., Any] = (
        postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    )
    statement = insert(table)
    keys = table.primary_key.columns.keys()
    if change is None:
        values = {name: statement.excluded[name] for name in table.c.keys() if name not in keys}
    else:
        values = dict(change(statement.excluded))
    where = None if only_if is None else only_if(statement.excluded)
    changing = statement.on_conflict_do_update(index_elements=keys, set_=values, where=where)
    connection.execute(changing, list(rows))
