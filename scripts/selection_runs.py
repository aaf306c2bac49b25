"""Simulated projects of scripts.evaluate_selection: choose, label from the masks, train, ask again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.selection import SELECTORS
from backend.selection.base import Places, Selector, Situation
from backend.selection.random import Random
from backend.selection.table import figures_of
from models.arrays import Image
from models.label_schema import LabelSchema
from models.prelabel.figures import disagreement_of
from models.prelabel.looks import Looks
from models.prelabel.unet import UNet
from models.prelabel.watershed import Watershed
from models.training.examples import Example
from models.training.prelabel_fit import fit_prelabeller, fit_seconds
from scripts.picture_sets import PictureSet, open_folder
from scripts.selection_scores import as_asked, tested
from scripts.worker_processes import in_processes

EVERYTHING = "all labels"
"""Stands for a selector in rows of what all labels together reach."""
_PASSES = 8
_MOST_VERSIONS = 3
"""Of a committee: the one in use and those before it."""


@dataclass(frozen=True)
class Cost:
    """What a simulated annotator needs.

    Attributes:
        per_picture_s: To open a picture, look at it and submit, in seconds.
        per_object_s: To mark an object.
    """

    per_picture_s: float
    per_object_s: float


@dataclass(frozen=True)
class Project:
    """What all simulated projects share.

    Attributes:
        pictures: Where they are.
        pool: Names of the pictures that may be chosen.
        test: Names of the pictures that are asked about.
        schema: The classes, or the one question.
        rounds: How many pictures are annotated after each round, ascending.
        base_s: Time of a training with up to 50 pictures.
        cap_s: Most time of a training.
        cost: Of annotating.
        side: Longer side of the pictures that networks work on; None takes what the objects need.
    """

    pictures: PictureSet
    pool: tuple[str, ...]
    test: tuple[str, ...]
    schema: LabelSchema
    rounds: tuple[int, ...]
    base_s: float
    cap_s: float
    cost: Cost
    side: int | None = None


@dataclass(frozen=True)
class Run:
    """One simulated project.

    Attributes:
        selector: Its name, or EVERYTHING.
        seed: Of all chance.
    """

    selector: str
    seed: int


def simulate_all(
    project: Project, runs: Sequence[Run], workers: int
) -> Generator[list[dict[str, Any]], None, None]:
    """Simulate, several at a time.

    Yields:
        The rows of each project, one per round, in the order in which the projects end.
    """
    yield from in_processes(partial(simulate, project), runs, workers)


def simulate(project: Project, run: Run) -> list[dict[str, Any]]:
    """Let a selector choose, round after round; its first at random if it needs a trained version.

    Returns:
        A row for each round.
    """
    pool = _Pool(project)
    rounds = (len(pool),) if run.selector == EVERYTHING else project.rounds
    rows: list[dict[str, Any]] = []
    versions: list[UNet] = []
    labelled: list[int] = []
    with tempfile.TemporaryDirectory(prefix="maskloop-selection-") as scratch:
        for number, count in enumerate(rounds):
            started = time.monotonic()
            if run.selector == EVERYTHING:
                labelled = list(range(len(pool)))
            else:
                rng = np.random.default_rng((run.seed, number))
                labelled += pool.choose(run.selector, labelled, count - len(labelled), versions, rng)
            select_s = time.monotonic() - started
            examples = [pool.example(index) for index in labelled]
            versions.append(_trained(project, examples, Path(scratch) / str(number), versions, run.seed))
            costs = {"annotator_s": round(pool.cost(labelled), 1), "select_s": round(select_s, 1)}
            rows.append(
                asdict(run)
                | {"n_labels": len(labelled)}
                | costs
                | tested(versions[-1], project.pictures, project.test, project.schema)
            )
    return rows


class _Pool:
    """The pictures that may be chosen."""

    def __init__(self, project: Project) -> None:
        self._project = project
        groups = project.pictures.groups()
        names = sorted(set(groups.values()))
        frames = open_folder(project.pictures.path).frames()
        self._groups = np.array([names.index(groups[stem]) for stem in project.pool], dtype=np.int64)
        self._frames = np.array([frames.get(stem, np.nan) for stem in project.pool])

    def __len__(self) -> int:
        return len(self._project.pool)

    def example(self, index: int) -> Example:
        """A picture with what the simulated annotator says about it."""
        return as_asked(self._project.pictures.example(self._project.pool[index]), self._project.schema)

    def cost(self, indices: Sequence[int]) -> float:
        """Seconds to annotate pictures."""
        cost = self._project.cost
        n_objects = sum(len(self.example(index).regions or ()) for index in indices)
        return cost.per_picture_s * len(indices) + cost.per_object_s * n_objects

    def choose(
        self,
        name: str,
        labelled: Sequence[int],
        budget: int,
        versions: Sequence[UNet],
        rng: np.random.Generator,
    ) -> list[int]:
        """Let a selector choose among the pictures that are not annotated."""
        selector: Selector = SELECTORS.create(name)
        if selector.needs_version and not versions:
            selector = Random()
        rest = sorted(set(range(len(self))) - set(labelled))
        picked = selector.select(self._situation(rest, labelled, versions, selector), budget, rng)
        return [rest[index] for index in picked]

    def _situation(
        self, rest: Sequence[int], labelled: Sequence[int], versions: Sequence[UNet], selector: Selector
    ) -> Situation:
        if not selector.uses:
            blank = np.zeros((len(self), 0), dtype=np.float32)
            return Situation(self._places(rest, blank[rest]), self._places(labelled, blank[labelled]))
        if not versions:
            names = [self._project.pool[index] for index in rest]
            embeddings = np.stack([_embedding(self._project.pictures, name) for name in names])
            return Situation(self._places(rest, embeddings), self._places([], embeddings[:0]))
        passes = _PASSES if "mutual_information" in selector.uses else 0
        committee = versions[-_MOST_VERSIONS:-1] if "disagreement" in selector.uses else ()
        looked = []
        disagreement = []
        for index in rest:
            found = versions[-1].assess(self._image(index), dropout_passes=passes)
            looked.append((found.figures, found.analysis.embedding))
            others = [each.analyse(self._image(index)).winner for each in committee]
            disagreement.append(disagreement_of([found.analysis.winner, *others]))
        known = [versions[-1].analyse(self._image(index)).embedding for index in labelled]
        return Situation(
            self._places(rest, np.stack([embedding for _, embedding in looked])),
            self._places(labelled, np.stack(known)),
            figures_of([figures for figures, _ in looked], disagreement),
        )

    def _image(self, index: int) -> Image:
        return self._project.pictures.example(self._project.pool[index]).load_image()

    def _places(self, indices: Sequence[int], embeddings: NDArray[np.float32]) -> Places:
        chosen = np.array(indices, dtype=np.intp)
        return Places(embeddings, self._groups[chosen], self._frames[chosen])


@cache
def _embedding(pictures: PictureSet, stem: str) -> NDArray[np.float32]:
    """What a picture looks like: the same in each project that a worker process simulates."""
    return _looks().embedding(pictures.example(stem).load_image())


@cache
def _looks() -> Looks:
    return Looks()


def _trained(
    project: Project, examples: Sequence[Example], scratch: Path, versions: Sequence[UNet], seed: int
) -> UNet:
    outcome = fit_prelabeller(
        examples,
        project.schema,
        scratch,
        warm_start=versions[-1].folder if versions else None,
        active=None,
        baseline=Watershed(),
        budget_s=fit_seconds(len(examples), project.base_s, project.cap_s),
        seed=seed,
        report=lambda _: None,
        side=project.side,
    )
    model = UNet(outcome.folder)
    model.load()
    return model
