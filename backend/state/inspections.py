"""What inspection rules found out about annotated pictures, and which issues people accepted.

An annotated picture is one annotation of one picture of a task. What the rules measured is kept rule by rule,
so that all of a project can be compared with memory for one rule at a time. Everything here can be found out
again from Label Studio, but for what people accepted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import ColumnElement, Engine, Table, and_, delete, select, update

from backend.state.database import (
    inspection_dismissals,
    inspection_measures,
    inspection_usual,
    inspections,
)
from backend.state.transactions import reading, storing
from backend.state.upserts import upsert

_WHAT = "inspections"
ALL_RULES = ""
"""In place of a rule's name."""
_ROWS_AT_ONCE = 1000

Json = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class PictureKey:
    """One annotation of one picture.

    Attributes:
        task_id: The task.
        annotation_id: The annotation.
        to_name: The picture's name in the labelling config.
    """

    task_id: int
    annotation_id: int
    to_name: str

    def __str__(self) -> str:
        return f"task {self.task_id} (annotation {self.annotation_id}, {self.to_name})"


@dataclass(frozen=True)
class Look:
    """The look that was taken at an annotated picture.

    Attributes:
        digest: Of all that the rules were shown, and of the rules.
        content: Digest of what was drawn and answered.
        accepted: Whether a reviewer marked it as ground truth.
        version: Of the network whose belief was asked for last; "" for none.
        learned: Whether the network that was believed had learned from the annotation.
    """

    digest: str
    content: str = ""
    accepted: bool = False
    version: str = ""
    learned: bool = False


@dataclass(frozen=True)
class Measured:
    """What the rules measured.

    Attributes:
        key: Of the annotated picture.
        look: How it was looked at.
        values: By the rule; rules that measured nothing are missing.
    """

    key: PictureKey
    look: Look
    values: Mapping[str, Json]


@dataclass(frozen=True)
class Verdict:
    """What is doubtful about an annotated picture.

    Attributes:
        severity: Of all its issues together, in [0, 1], higher is worse.
        issues: Those that people are told, as plain JSON, the worst first.
    """

    severity: float = 0.0
    issues: Sequence[Json] = ()


@dataclass(frozen=True)
class Dismissal:
    """Something that a person accepted.

    Attributes:
        annotation_id: The annotation.
        rule: The rule whose issues were accepted, or `ALL_RULES`.
        content: Digest of what the annotation was then.
    """

    annotation_id: int
    rule: str
    content: str


_OF_LOOK = tuple(field.name for field in fields(Look))


class Inspections:
    """Keeps what was found out. Safe between threads and processes.

    Raises:
        DatabaseError: By every method, when the database fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def looks(self, project_id: int, task_id: int | None = None) -> dict[PictureKey, Look]:
        """The looks that were taken at a project's annotated pictures, or only at those of a task."""
        table = inspections.c
        query = select(
            table.task_id, table.annotation_id, table.to_name, *(table[name] for name in _OF_LOOK)
        ).where(_of(inspections, project_id, task_id))
        with reading(self._engine, _WHAT) as connection:
            rows = connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
            return {PictureKey(*row[:3]): Look(*row[3:]) for row in rows}

    def keep(self, project_id: int, measured: Iterable[Measured]) -> None:
        """Keep what was measured, in place of what was measured of these annotated pictures before.

        Verdicts stay until there are new ones.
        """
        ordered = sorted(measured, key=lambda each: each.key)
        looks = [
            _key_fields(project_id, each.key) | asdict(each.look) | {"severity": 0.0, "issues": []}
            for each in ordered
        ]
        values = [
            _key_fields(project_id, each.key) | {"rule": rule, "measured": dict(value)}
            for each in ordered
            for rule, value in sorted(each.values.items())
        ]
        with storing(self._engine, _WHAT) as connection:
            upsert(
                connection,
                inspections,
                looks,
                lambda new: {name: new[name] for name in ("task_id", *_OF_LOOK)},
            )
            for each in ordered:
                connection.execute(
                    delete(inspection_measures).where(_is(inspection_measures, project_id, each.key))
                )
            upsert(connection, inspection_measures, values)

    def confirm(self, project_id: int, keys: Iterable[PictureKey], version: str) -> None:
        """Write down that measurements stay although a network might be asked: it learned from them."""
        with storing(self._engine, _WHAT) as connection:
            for key in sorted(keys):
                connection.execute(
                    update(inspections).where(_is(inspections, project_id, key)).values(version=version)
                )

    def measured(self, project_id: int, rule: str, task_id: int | None = None) -> dict[PictureKey, Json]:
        """What a rule measured in a project, or only in one of its tasks, in order of the keys."""
        table = inspection_measures.c
        query = (
            select(table.task_id, table.annotation_id, table.to_name, table.measured)
            .where(_of(inspection_measures, project_id, task_id), table.rule == rule)
            .order_by(table.task_id, table.annotation_id, table.to_name)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        with reading(self._engine, _WHAT) as connection:
            return {PictureKey(*row[:3]): row.measured for row in connection.execute(query)}

    def learn(self, project_id: int, digest: str, usual: Mapping[str, Json]) -> None:
        """Keep what rules learned from a project, in place of what they learned before.

        Args:
            project_id: The project.
            digest: Of the rules.
            usual: By the rule.
        """
        rows = [
            {"project_id": project_id, "rule": rule, "digest": digest, "usual": dict(each)}
            for rule, each in sorted(usual.items())
        ]
        with storing(self._engine, _WHAT) as connection:
            upsert(connection, inspection_usual, rows)

    def usual(self, project_id: int, digest: str) -> dict[str, Json]:
        """What these very rules learned from a project, by the rule."""
        table = inspection_usual.c
        query = select(table.rule, table.usual).where(table.project_id == project_id, table.digest == digest)
        with reading(self._engine, _WHAT) as connection:
            return {rule: usual for rule, usual in connection.execute(query)}

    def judge(self, project_id: int, verdicts: Mapping[PictureKey, Verdict]) -> None:
        """Keep verdicts about annotated pictures that were looked at."""
        with storing(self._engine, _WHAT) as connection:
            for key, verdict in sorted(verdicts.items(), key=lambda item: item[0]):
                values = {"severity": verdict.severity, "issues": [dict(each) for each in verdict.issues]}
                connection.execute(
                    update(inspections).where(_is(inspections, project_id, key)).values(values)
                )

    def verdicts(self, project_id: int, task_id: int | None = None) -> dict[PictureKey, Verdict]:
        """The verdicts about a project's annotated pictures, or only about those of a task."""
        table = inspections.c
        query = select(table.task_id, table.annotation_id, table.to_name, table.severity, table.issues).where(
            _of(inspections, project_id, task_id)
        )
        with reading(self._engine, _WHAT) as connection:
            rows = connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
            return {PictureKey(*row[:3]): Verdict(row.severity, tuple(row.issues)) for row in rows}

    def forget(self, project_id: int, keys: Collection[PictureKey]) -> None:
        """Drop annotated pictures that are gone."""
        with storing(self._engine, _WHAT) as connection:
            for key in sorted(keys):
                for table in (inspections, inspection_measures):
                    connection.execute(delete(table).where(_is(table, project_id, key)))

    def forget_project(self, project_id: int) -> None:
        """Drop everything about a project but what people accepted."""
        with storing(self._engine, _WHAT) as connection:
            for table in (inspections, inspection_measures, inspection_usual):
                connection.execute(delete(table).where(_of(table, project_id, None)))

    def dismiss(self, project_id: int, task_id: int, dismissals: Iterable[Dismissal]) -> None:
        """Write down what a person accepted in a task."""
        now = datetime.now(timezone.utc)
        rows = [
            {
                "project_id": project_id,
                "annotation_id": each.annotation_id,
                "rule": each.rule,
                "task_id": task_id,
                "content": each.content,
                "at": now,
            }
            for each in sorted(dismissals, key=lambda each: (each.annotation_id, each.rule))
        ]
        with storing(self._engine, _WHAT) as connection:
            upsert(connection, inspection_dismissals, rows)

    def dismissals(self, project_id: int, task_id: int | None = None) -> frozenset[Dismissal]:
        """What people accepted in a project, or only in one of its tasks."""
        table = inspection_dismissals.c
        query = select(table.annotation_id, table.rule, table.content).where(
            _of(inspection_dismissals, project_id, task_id)
        )
        with reading(self._engine, _WHAT) as connection:
            return frozenset(Dismissal(*row) for row in connection.execute(query))


def _key_fields(project_id: int, key: PictureKey) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "task_id": key.task_id,
        "annotation_id": key.annotation_id,
        "to_name": key.to_name,
    }


def _of(table: Table, project_id: int, task_id: int | None) -> ColumnElement[bool]:
    of_project = table.c.project_id == project_id
    return of_project if task_id is None else and_(of_project, table.c.task_id == task_id)


def _is(table: Table, project_id: int, key: PictureKey) -> ColumnElement[bool]:
    return and_(
        table.c.project_id == project_id,
        table.c.task_id == key.task_id,
        table.c.annotation_id == key.annotation_id,
        table.c.to_name == key.to_name,
    )
