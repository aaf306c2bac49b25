"""What versions say about the tasks of projects, so that a picture is looked at once by each version.

A row is replaced as a whole. It holds for the task's data as they were, which its digest tells. Rows are read
in pages of one version, so that memory is needed for what is asked for and not for all that is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Engine, and_, delete, select

from backend.errors import DatabaseError
from backend.state.database import task_figures
from backend.state.transactions import reading, storing
from backend.state.upserts import upsert
from models.prelabel.figures import PictureFigures

FIGURES, INFORMATION, DISAGREEMENT, EMBEDDING = "figures", "mutual_information", "disagreement", "embedding"
"""What can be known about a task; names of the columns."""
_ROWS_AT_ONCE = 2000
_WHAT = "what a version says about tasks"


@dataclass(frozen=True, eq=False)
class TaskLook:
    """What a version says about one task.

    Attributes:
        task_id: The task's number.
        digest: Of its data.
        figures: How sure the version is; None if it was never trained.
        disagreement: Between this version and earlier ones, in [0, 1]; None if nobody asked.
        embedding: What the task's picture is like, (D,), of length 1; None if nobody asked.
    """

    task_id: int
    digest: str
    figures: PictureFigures | None = None
    disagreement: float | None = None
    embedding: NDArray[np.float32] | None = None


class TaskFigures:
    """Keeps looks. Safe between threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(self, project_id: int, version: str, looks: Iterable[TaskLook]) -> None:
        """Keep looks in place of what the version said about these tasks before.

        Raises:
            DatabaseError: The database cannot be written.
        """
        rows = [_row(project_id, version, look) for look in sorted(looks, key=lambda look: look.task_id)]
        if rows:
            with storing(self._engine, _WHAT) as writing:
                upsert(writing, task_figures, rows)

    def complete(self, project_id: int, version: str, parts: Collection[str]) -> dict[int, str]:
        """Tasks about which a version has said everything that is wanted.

        Args:
            project_id: The project.
            version: Of the looks.
            parts: Of the names above.

        Returns:
            The digests of their data, by the tasks' numbers.

        Raises:
            DatabaseError: The database cannot be read.
        """
        known = [task_figures.c[part].is_not(None) for part in sorted(parts)]
        query = select(task_figures.c.task_id, task_figures.c.digest).where(_of(project_id, version), *known)
        with reading(self._engine, _WHAT) as connection:
            return {task_id: digest for task_id, digest in connection.execute(query)}

    def embeddings(self, project_id: int, version: str, task_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """What pictures are like.

        Args:
            project_id: The project.
            version: Of the looks.
            task_ids: (N,) ascending; all of them were stored with an embedding.

        Returns:
            (N, D), each of length 1.

        Raises:
            DatabaseError: The database cannot be read, or a task is missing.
        """
        found: NDArray[np.float32] | None = None
        left = len(task_ids)
        for places, rows in self._pages(project_id, version, task_ids, ("embedding",)):
            page = np.stack([np.frombuffer(row.embedding, dtype=np.float16) for row in rows])
            if found is None:
                found = np.zeros((len(task_ids), page.shape[1]), dtype=np.float32)
            found[places] = page
            left -= len(places)
        if left:
            raise DatabaseError(f"{left} tasks of project {project_id} have no embedding of {version}.")
        if found is None:
            return np.zeros((0, 0), dtype=np.float32)
        # Rounding to half precision changed the lengths a little.
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)
        return found

    def pages(self, project_id: int, version: str, task_ids: NDArray[np.int64]) -> Iterator[list[TaskLook]]:
        """Everything but the embeddings, some thousand tasks at a time.

        Args:
            project_id: The project.
            version: Of the looks.
            task_ids: (N,) ascending. Those that were never stored are left out.

        Yields:
            Looks in order of the tasks' numbers.

        Raises:
            DatabaseError: The database cannot be read.
        """
        wanted = ("task_id", "digest", "figures", "mutual_information", "disagreement")
        for _, rows in self._pages(project_id, version, task_ids, wanted):
            yield [TaskLook(row.task_id, row.digest, _figures(row), row.disagreement) for row in rows]

    def forget_others(self, project_id: int, keep: Collection[str]) -> None:
        """Drop what other versions said about the project's tasks.

        Raises:
            DatabaseError: The database cannot be written.
        """
        others = and_(task_figures.c.project_id == project_id, task_figures.c.version.not_in(sorted(keep)))
        with storing(self._engine, _WHAT) as writing:
            writing.execute(delete(task_figures).where(others))

    def _pages(
        self, project_id: int, version: str, task_ids: NDArray[np.int64], names: Sequence[str]
    ) -> Iterator[tuple[NDArray[np.intp], list[Any]]]:
        """Rows of the wanted tasks, each page after their places among these."""
        if not len(task_ids):
            return
        query = (
            select(*(task_figures.c[name] for name in dict.fromkeys(("task_id", *names))))
            .where(
                _of(project_id, version),
                task_figures.c.task_id.between(int(task_ids[0]), int(task_ids[-1])),
            )
            .order_by(task_figures.c.task_id)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        with reading(self._engine, _WHAT) as connection:
            for page in connection.execute(query).partitions():
                numbers = np.array([row.task_id for row in page], dtype=np.int64)
                places = np.minimum(np.searchsorted(task_ids, numbers), len(task_ids) - 1)
                wanted = task_ids[places] == numbers
                if wanted.any():
                    yield places[wanted], [row for row, take in zip(page, wanted, strict=True) if take]


def _of(project_id: int, version: str) -> ColumnElement[bool]:
    return and_(task_figures.c.project_id == project_id, task_figures.c.version == version)


def _row(project_id: int, version: str, look: TaskLook) -> dict[str, Any]:
    figures = None if look.figures is None else asdict(look.figures)
    return {
        "project_id": project_id,
        "version": version,
        "task_id": look.task_id,
        "digest": look.digest,
        "mutual_information": None if figures is None else figures.pop("mutual_information"),
        "figures": None if figures is None else figures,
        "disagreement": look.disagreement,
        "embedding": None if look.embedding is None else look.embedding.astype(np.float16).tobytes(),
    }


def _figures(row: Any) -> PictureFigures | None:
    if row.figures is None:
        return None
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.figures.items()
    }
    return PictureFigures(**values, mutual_information=row.mutual_information)
