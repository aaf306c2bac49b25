"""How much what versions say about unannotated tasks changes from one version to the next.

Figures are kept in a file: versions never change, so each pair is compared on a picture only once.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.services.bulk_prelabelling import task_digest
from backend.services.label_schemas import label_schema
from backend.state.model_store import VersionInfo
from models.arrays import Image
from models.errors import MaskloopError
from models.prelabel.base import PreLabeller, PreLabels
from models.training.atomic_files import write_atomically
from models.training.prelabel_scores import class_dices

logger = logging.getLogger(__name__)

SAMPLE = 20
"""Tasks that versions are compared on."""


def fixed_sample(tasks: Iterable[Task], count: int = SAMPLE) -> list[Task]:
    """Tasks that hardly change from one call to the next: those whose numbers have the smallest digests.

    Args:
        tasks: Unannotated ones.
        count: How many at most.
    """
    return sorted(tasks, key=lambda task: hashlib.sha256(str(task.id).encode("ascii")).digest())[:count]


class PredictionChange:
    """Compares versions. Used by one thread. Keeps the compared versions and what they said in memory.

    Args:
        config: The project's labelling config.
        images: Loads the pictures of tasks.
        open_version: The model of a version, loaded.
        path: File of figures of this project; made when there are any.
    """

    def __init__(
        self,
        config: LabelConfig,
        images: ImageLoader,
        open_version: Callable[[VersionInfo], PreLabeller],
        path: Path,
    ) -> None:
        self._config = config
        self._schema = label_schema(config)
        self._images = images
        self._open_version = open_version
        self._path = path
        self._known = _read(path)
        self._models: dict[str, PreLabeller] = {}
        self._said: dict[tuple[str, int | None, str], PreLabels] = {}

    def between(
        self, older: VersionInfo, newer: VersionInfo, tasks: Sequence[Task], advance: Callable[[], None]
    ) -> list[float]:
        """1 - Dice for each task, in [0, 1]; where questions are asked, the share that changed counts alike.

        Args:
            older: A version.
            newer: One that came later.
            tasks: To compare on. Those whose picture cannot be had, or was learned from, are left out.
            advance: Called after each task.

        Raises:
            ModelStoreError: A version is damaged.
            WeightsError: A version cannot be loaded.
            TrainingRunError: The file of figures cannot be written.
        """
        learned = {key.split("/", 1)[0] for key in (*older.trained_on, *newer.trained_on)}
        changes = []
        is_new = False
        for task in tasks:
            name = f"{older.name} {newer.name} {task.id} {task_digest(task)}"
            if str(task.id) not in learned:
                if name not in self._known:
                    change = self._change(task, older, newer)
                    if change is None:
                        continue
                    self._known[name], is_new = change, True
                changes.append(self._known[name])
            advance()
        if is_new:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(self._known, indent=0).encode("ascii"))
        return changes

    def _change(self, task: Task, older: VersionInfo, newer: VersionInfo) -> float | None:
        parts: list[float] = []
        for to_name in self._config.images:
            try:
                url = self._config.image_url(to_name, task.data)
                image = self._images.load(url, task_id=task.id, project_id=task.project).pixels
            except MaskloopError as error:
                logger.warning("Task %s is left out: %s", task.id, error)
                return None
            before, after = (self._says(info, task, to_name, image) for info in (older, newer))
            parts += self._agreements(to_name, image, before, after)
        return 1 - float(np.mean(parts)) if parts else None

    def _says(self, info: VersionInfo, task: Task, to_name: str, image: Image) -> PreLabels:
        """What a version says about a picture, computed once: each is the newer and then the older one."""
        key = info.name, task.id, to_name
        if key not in self._said:
            if info.name not in self._models:
                self._models[info.name] = self._open_version(info)
            self._said[key] = self._models[info.name].predict(image)
        return self._said[key]

    def _agreements(self, to_name: str, image: Image, older: PreLabels, newer: PreLabels) -> list[float]:
        """The mean Dice coefficient if objects are asked for, and whether each answer is the same."""
        found = []
        if self._schema.classes:
            size_hw = image.shape[0], image.shape[1]
            dices = class_dices(newer.regions, older.regions, self._schema.classes, size_hw)
            found.append(float(np.mean(dices)) if dices else 1.0)
        before, after = (self._answers(to_name, each) for each in (older, newer))
        return found + [float(before.get(each) == after.get(each)) for each in before.keys() | after.keys()]

    def _answers(self, to_name: str, found: PreLabels) -> dict[str, tuple[str, ...]]:
        chosen = self._config.choices_for(to_name, found.image_classes)
        return {choice.control.name: choice.labels for choice in chosen}


def _read(path: Path) -> dict[str, float]:
    """The figures of the file; none if it is missing or is not what was written."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(key): float(value) for key, value in values.items()} if isinstance(values, dict) else {}
