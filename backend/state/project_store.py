"""What Label Studio said about each project in `/setup`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Engine, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from backend.errors import DatabaseError
from backend.state.database import projects


@dataclass(frozen=True)
class StoredProject:
    """A project as last set up.

    Attributes:
        label_config: The labelling config, XML.
        extra_params: The JSON object that the project's model settings hold.
    """

    label_config: str
    extra_params: Mapping[str, Any]


class ProjectStore:
    """Projects by Label Studio's key `"<id>.<created>"`. Safe between threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, key: str) -> StoredProject | None:
        """Return the project, or None when it was never set up.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = select(projects.c.label_config, projects.c.extra_params).where(projects.c.key == key)
        try:
            with self._engine.connect() as connection:
                row = connection.execute(query).one_or_none()
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading a project", error) from error
        return None if row is None else StoredProject(row.label_config, row.extra_params)

    def newest(self, project_id: int) -> StoredProject | None:
        """The project of that number that was set up last, None when there is none.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = (
            select(projects.c.label_config, projects.c.extra_params)
            .where(or_(projects.c.key == str(project_id), projects.c.key.startswith(f"{project_id}.")))
            .order_by(projects.c.updated_at.desc())
            .limit(1)
        )
        try:
            with self._engine.connect() as connection:
                row = connection.execute(query).one_or_none()
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading a project", error) from error
        return None if row is None else StoredProject(row.label_config, row.extra_params)

    def save(self, key: str, project: StoredProject) -> None:
        """Keep the project; writes only what changed, because `/setup` arrives with every page.

        Raises:
            DatabaseError: The database cannot be written.
        """
        if self.find(key) == project:
            return
        values = {
            "label_config": project.label_config,
            "extra_params": dict(project.extra_params),
            "updated_at": datetime.now(timezone.utc),
        }
        try:
            if not self._update(key, values):
                self._insert(key, values)
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("storing a project", error) from error

    def _update(self, key: str, values: dict[str, Any]) -> bool:
        with self._engine.begin() as connection:
            return (
                connection.execute(update(projects).where(projects.c.key == key).values(values)).rowcount > 0
            )

    def _insert(self, key: str, values: dict[str, Any]) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(projects).values(key=key, **values))
        except IntegrityError:  # a simultaneous /setup was first
            self._update(key, values)
