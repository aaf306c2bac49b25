"""Audits: which tasks were drawn, and what was predicted for them then. One file each, never changed.

The predictions are kept because others may take their place, or be deleted, before everything is checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.errors import AuditError
from models.training.atomic_files import write_atomically


@dataclass(frozen=True)
class Stratum:
    """Tasks from which some were drawn.

    Attributes:
        low: Least score of its tasks.
        high: Greatest score.
        size: How many tasks it has.
    """

    low: float
    high: float
    size: int


@dataclass(frozen=True, eq=False)
class DrawnTask:
    """A task that was drawn.

    Attributes:
        id: Its number.
        stratum: Place of its stratum.
        score: Of the prediction.
        result: What was predicted, result items.
    """

    id: int
    stratum: int
    score: float
    result: Sequence[Any]


@dataclass(frozen=True, eq=False)
class Audit:
    """A draw.

    Attributes:
        project_id: The project.
        number: Counts the project's audits, from 1.
        version: That the predictions are of.
        drawn_at: When, seconds since 1970.
        seed: Of the draw.
        strata: What was drawn from; one for a simple draw.
        tasks: What was drawn, ascending by number.
    """

    project_id: int
    number: int
    version: str
    drawn_at: float
    seed: int
    strata: tuple[Stratum, ...]
    tasks: tuple[DrawnTask, ...]


class Audits:
    """Keeps audits in a folder. Not to be used by two processes at once.

    Args:
        root: The folder; made with the first audit.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def save(self, audit: Audit) -> None:
        """Keep a new audit.

        Raises:
            TrainingRunError: It cannot be written.
        """
        folder = self._root / str(audit.project_id)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{audit.number}.json", json.dumps(asdict(audit)).encode("ascii"))

    def numbers(self, project_id: int) -> list[int]:
        """The project's audits, ascending."""
        files = (self._root / str(project_id)).glob("*.json")
        return sorted(int(file.stem) for file in files if file.stem.isdecimal())

    def load(self, project_id: int, number: int) -> Audit:
        """Read an audit.

        Raises:
            AuditError: There is none, or its file is damaged.
        """
        path = self._root / str(project_id) / f"{number}.json"
        try:
            return _audit(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            known = ", ".join(map(str, self.numbers(project_id))) or "none"
            raise AuditError(
                f"Audit {number} of project {project_id} cannot be read ({error!r:.200}); there are: {known}."
            ) from error

    def latest(self, project_id: int) -> Audit | None:
        """The project's last audit; None if nothing was ever drawn.

        Raises:
            AuditError: Its file is damaged.
        """
        numbers = self.numbers(project_id)
        return self.load(project_id, numbers[-1]) if numbers else None


def _audit(values: Mapping[str, Any]) -> Audit:
    strata = tuple(Stratum(**stratum) for stratum in values["strata"])
    tasks = tuple(DrawnTask(**task) for task in values["tasks"])
    return Audit(**(dict(values) | {"strata": strata, "tasks": tasks}))
