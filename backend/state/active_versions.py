"""Which trained version each project uses, and how that came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Engine, Select, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from backend.errors import DatabaseError, NoVersionBeforeError
from backend.state.database import activations, as_utc


@dataclass(frozen=True)
class Activation:
    """One step in a project's history.

    Attributes:
        step: Counts the project's steps of one kind, from 1.
        version: Name of the version used from then on; None for the model that nobody trained.
        why: In words, such as "gate passed".
        undoes: Whether the step took back the latest activation that was still standing.
        at: When, UTC.
    """

    step: int
    version: str | None
    why: str
    undoes: bool
    at: datetime


class ActiveVersions:
    """The version in use is that of the last step; steps are only ever added.

    Safe between threads and processes: two that add the same step make the database refuse the second, which
    then looks again. Nothing is kept in memory.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def active(self, project_id: int, kind: str) -> str | None:
        """Name of the version in use, None when no trained one is.

        Args:
            project_id: Label Studio's number of the project.
            kind: Of model, "prelabel" or "click".

        Raises:
            DatabaseError: The database cannot be read.
        """
        steps = self._read(_steps(project_id, kind).order_by(activations.c.step.desc()).limit(1))
        return steps[0].version if steps else None

    def history(self, project_id: int, kind: str) -> list[Activation]:
        """All steps, oldest first.

        Raises:
            DatabaseError: The database cannot be read.
        """
        return self._read(_steps(project_id, kind).order_by(activations.c.step))

    def standing(self, project_id: int, kind: str) -> tuple[str, ...]:
        """The versions activated and not taken back, oldest first: the one in use, and where rollbacks lead.

        Raises:
            DatabaseError: The database cannot be read.
        """
        return tuple(_standing(self.history(project_id, kind)))

    def activate(self, project_id: int, kind: str, name: str, why: str) -> None:
        """Use a version from now on. Does nothing if it is in use.

        Raises:
            DatabaseError: The database cannot be written.
        """
        while True:
            steps = self.history(project_id, kind)
            if steps and steps[-1].version == name:
                return
            if self._add(project_id, kind, _next(steps, name, why, undoes=False)):
                return

    def rollback(self, project_id: int, kind: str, why: str, *, usable: Callable[[str], bool]) -> str | None:
        """Go back to the version that was in use before the latest activation still standing.

        Going back twice goes back two activations. Before the first one is the model that nobody trained.

        Args:
            project_id: Label Studio's number of the project.
            kind: Of model, "prelabel" or "click".
            why: In words.
            usable: Whether a version can still be used; those that cannot are passed over.

        Returns:
            Name of the version in use now, None for the model that nobody trained.

        Raises:
            NoVersionBeforeError: That one is in use already.
            DatabaseError: The database cannot be read or written.
        """
        while True:
            steps = self.history(project_id, kind)
            standing = _standing(steps)
            if not standing:
                raise NoVersionBeforeError(
                    f"Project {project_id} uses no trained version; there is nothing to roll back."
                )
            others = (name for name in reversed(standing) if name != standing[-1])
            earlier = next((name for name in others if usable(name)), None)
            if self._add(project_id, kind, _next(steps, earlier, why, undoes=True)):
                return earlier

    def _read(self, query: Select[Any]) -> list[Activation]:
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading which versions are in use", error) from error
        return [Activation(step, version, why, undoes, as_utc(at)) for step, version, why, undoes, at in rows]

    def _add(self, project_id: int, kind: str, step: Activation) -> bool:
        """Whether the step could be added; it cannot if there is one of that number."""
        values = {"project_id": project_id, "kind": kind, **vars(step)}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(activations).values(values))
        except IntegrityError:
            return False
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("changing which version is in use", error) from error
        return True


def _steps(project_id: int, kind: str) -> Select[Any]:
    columns = activations.c
    return select(columns.step, columns.version, columns.why, columns.undoes, columns.at).where(
        columns.project_id == project_id, columns.kind == kind
    )


def _next(steps: list[Activation], version: str | None, why: str, *, undoes: bool) -> Activation:
    return Activation(len(steps) + 1, version, why, undoes, datetime.now(timezone.utc))


def _standing(steps: list[Activation]) -> list[str]:
    """The versions activated and not taken back, oldest first; the last one is in use."""
    standing: list[str] = []
    for step in steps:
        if step.undoes:
            standing.pop()
            while standing and standing[-1] != step.version:
                standing.pop()
        elif step.version is not None:
            standing.append(step.version)
    return standing
