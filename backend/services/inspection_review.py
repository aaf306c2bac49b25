"""What inspection found, as predictions beside annotations: the regions that are meant, with reasons.

They have a version of their own and are nobody's pre-labels. A round that finds the same as the one before
changes nothing; another one takes its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.inspection.base import Json
from backend.labelstudio.annotations import decode_annotation
from backend.labelstudio.controls import Control, ControlKind
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.results import encode_region
from backend.labelstudio.review_predictions import INSPECTED, review_numbers, review_version
from backend.labelstudio.stored_predictions import StoredPredictions
from backend.labelstudio.submissions import AnnotatedTask, Submitted
from backend.services.inspection_verdicts import TaskVerdict
from models.regions import Region

Prediction = Mapping[str, Any]


class InspectionReview:
    """The review predictions of one project. Used by one thread.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        config: Its labelling config.
        file: Where it is noted what the newest round found; its folder is there.
    """

    def __init__(self, api: LabelStudioApi, project_id: int, config: LabelConfig, file: Path) -> None:
        self._stored = StoredPredictions(api)
        self._project_id = project_id
        self._config = config
        self._controls = {
            (c.name, c.to_name): c for name in config.images for c in config.mask_controls(name)
        }
        self._file = file

    def prediction(self, task: AnnotatedTask, verdict: TaskVerdict) -> Prediction | None:
        """The prediction for a task, without its version; None if no issue has a place.

        Args:
            task: With its annotations.
            verdict: What is doubtful about it.
        """
        annotations = {each.id: each for each in task.annotations}
        items = [
            item
            for number in dict.fromkeys(issue["annotation"] for issue in verdict.issues)
            if number in annotations
            for item in self._items(
                annotations[number], [each for each in verdict.issues if each["annotation"] == number]
            )
        ]
        if not items:
            return None
        return {"task": task.id, "score": round(min(verdict.severity, 1.0), 4), "result": items}

    def store(self, predictions: Sequence[Prediction]) -> tuple[str, int]:
        """Put a round of predictions in place of the one before.

        Args:
            predictions: See `prediction`; all of them.

        Returns:
            The version, "" if there is none, and how many predictions Label Studio had to store.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached; doing it again goes on.
        """
        digest = hashlib.sha256(json.dumps(list(predictions), sort_keys=True).encode("ascii")).hexdigest()
        there = self._versions()
        noted = self._noted()
        if noted.get("digest") == digest and (not predictions or noted.get("version") in there):
            return str(noted.get("version", "")), 0
        version = review_version(INSPECTED, 1 + max(review_numbers(there, INSPECTED), default=0))
        n_stored = 0
        if predictions:
            n_stored = self._stored.add(
                self._project_id, ({**each, "model_version": version} for each in predictions)
            )
        self._delete(there)
        note = {"version": version if predictions else "", "digest": digest}
        self._file.write_text(json.dumps(note), encoding="utf-8")
        return note["version"], n_stored

    def clear(self) -> int:
        """Delete the predictions of all rounds; returns how many there were.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        there = self._versions()
        self._delete(there)
        self._file.unlink(missing_ok=True)
        return sum(there.values())

    def _items(self, annotation: Submitted, issues: Sequence[Json]) -> Iterator[Json]:
        """The regions that are meant, and the places of issues that mean none.

        Everything is written anew: Label Studio refuses predictions with a label that the config does not
        have, which is what may be wrong with a region.
        """
        drawn = decode_annotation(annotation.result, self._controls.values()).regions
        reasons: dict[str, list[Json]] = {}
        for issue in issues:
            for region_id in issue["region_ids"]:
                reasons.setdefault(region_id, []).append(issue)
        for each in drawn:
            known = reasons.get(each.id, []) if each.id else []
            if known:
                control = self._controls[each.control_name, each.to_name]
                label = next((name for name in each.labels if name in control.label_values), None)
                region = replace(each.region, score=max(issue["severity"] for issue in known))
                texts = [issue["message"] for issue in known]
                yield from _with_texts(region, control, label, each.size_hw, f"{each.id}-warning", texts)
        sizes = {each.to_name: each.size_hw for each in drawn}
        for place, issue in enumerate(each for each in issues if not each["region_ids"] and each["box"]):
            boxes = self._box_control(issue["image"])
            if boxes is not None and issue["image"] in sizes:
                top, left, bottom, right = issue["box"]
                mask = np.ones((bottom - top, right - left), dtype=bool)
                region = Region(mask, top, left, "", issue["severity"])
                name = f"{annotation.id}-{place}-warning"
                yield from _with_texts(region, boxes, None, sizes[issue["image"]], name, [issue["message"]])

    def _box_control(self, to_name: str) -> Control | None:
        """What draws boxes if there is any, else whatever draws."""
        outputs = self._config.mask_controls(to_name)
        boxes = [each for each in outputs if each.kind is ControlKind.RECTANGLE]
        return next(iter(boxes or outputs), None)

    def _versions(self) -> dict[str, int]:
        counts = self._stored.versions(self._project_id)
        names = {review_version(INSPECTED, number) for number in review_numbers(counts, INSPECTED)}
        return {name: count for name, count in counts.items() if name in names}

    def _delete(self, versions: Mapping[str, int]) -> None:
        for version in versions:
            self._stored.delete(self._project_id, version)

    def _noted(self) -> dict[str, str]:
        if not self._file.is_file():
            return {}
        noted: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8"))
        return noted


def _with_texts(
    region: Region,
    control: Control,
    label: str | None,
    size_hw: tuple[int, int],
    region_id: str,
    texts: list[str],
) -> Iterator[Json]:
    """A region with reasons; it gets the control's first label if it has none."""
    known = label or next(iter(control.label_values), None)
    for item in encode_region(region, control, known, size_hw, region_id=region_id):
        yield {**item, "meta": {"text": texts}}
