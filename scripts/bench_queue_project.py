"""A large project whose pictures nobody looks at: tasks in Label Studio, made-up figures of them here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch

from backend.labelstudio.client import Project
from backend.labelstudio.payloads import Task
from backend.project_model import project_model
from backend.queueing import queue_answers
from backend.services.bulk_prelabelling import task_digest
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.answer_file import AnswerFile
from backend.state.database import open_database
from backend.state.model_store import FILES, ModelStore, VersionFacts
from backend.state.task_figures import TaskFigures, TaskLook
from models.label_schema import LabelSchema
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Calibration
from models.prelabel.figures import PictureFigures
from models.prelabel.network_description import NetworkDescription
from scripts.label_studio_rest import LabelStudioRest

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="box" toName="image"><Label value="Object"/></RectangleLabels>
</View>"""
_SCHEMA = LabelSchema(("Object",))
_TASKS_AT_ONCE = 10_000
_LOOKS_AT_ONCE = 2000
_DIMENSIONS = 416
_CLUSTERS = 50


def import_tasks(rest: LabelStudioRest, project: int, count: int) -> Iterator[list[int]]:
    """Import tasks whose pictures do not exist.

    Yields:
        Numbers of tasks that are there now.
    """
    for start in range(0, count, _TASKS_AT_ONCE):
        tasks = [
            {"data": {"image": f"/data/local-files/?d=bench/{number}.png"}}
            for number in range(start, min(start + _TASKS_AT_ONCE, count))
        ]
        answer = rest.call("POST", f"/api/projects/{project}/import?return_task_ids=true", json=tasks)
        yield [int(number) for number in answer["task_ids"]]


def make_version(settings: Settings, project_id: int, scratch: Path) -> str:
    """Publish a network that has learned nothing, and use it; returns the version's name."""
    scratch.mkdir(parents=True)
    weights = {name: value.half().contiguous() for name, value in Network(1, []).state_dict().items()}
    description = NetworkDescription(_SCHEMA, 64, frozenset(), Calibration())
    (scratch / FILES[0]).write_bytes(safetensors.torch.save(weights))
    (scratch / FILES[1]).write_text(json.dumps(description.to_json()), encoding="utf-8")
    facts = VersionFacts(
        kind="prelabel",
        parent=None,
        schema=_SCHEMA,
        trained_on=(),
        held_out=(),
        gate={"passed": True, "reason": "a benchmark"},
        metrics={},
        source="api",
    )
    info = ModelStore(settings.versions_dir).publish(project_id, scratch, facts)
    engine = open_database(settings.resolved_database_url)
    ActiveVersions(engine).activate(project_id, "prelabel", info.name, "a benchmark")
    return info.name


def make_up_figures(
    settings: Settings, project: Project, version: str, tasks: Sequence[Task], n_regions: int
) -> Iterator[int]:
    """Write down what the version would have said about tasks.

    Args:
        settings: Where the state lies.
        project: The project.
        version: In use.
        tasks: All tasks.
        n_regions: Rectangles in each pre-label.

    Yields:
        How many tasks are done.
    """
    rng = np.random.default_rng(0)
    figures = TaskFigures(open_database(settings.resolved_database_url))
    centres = rng.normal(size=(_CLUSTERS, _DIMENSIONS))
    file = queue_answers(settings, project.id, version)
    with AnswerFile(file, project_model(settings, project).basis) as answers:
        for start in range(0, len(tasks), _LOOKS_AT_ONCE):
            page = tasks[start : start + _LOOKS_AT_ONCE]
            looks = centres[rng.integers(_CLUSTERS, size=len(page))]
            looks = looks + rng.normal(size=looks.shape) / 2
            looks /= np.linalg.norm(looks, axis=1, keepdims=True)
            found = []
            for task, embedding in zip(page, looks.astype(np.float32), strict=True):
                number, digest = task.id or 0, task_digest(task)
                found.append(TaskLook(number, digest, _figures(rng), None, embedding))
                answers.add(number, digest, _prelabel(rng, n_regions, version))
            figures.store(project.id, version, found)
            yield start + len(page)


def _figures(rng: np.random.Generator) -> PictureFigures:
    foreground, confidence, margin, entropy, selective, quality = (float(each) for each in rng.random(6))
    return PictureFigures(
        foreground, confidence, margin, entropy, selective, quality, (foreground,), (float(rng.random()),)
    )


def _prelabel(rng: np.random.Generator, n_regions: int, version: str) -> dict[str, Any]:
    result = [
        {
            "id": f"{index:08x}",
            "type": "rectanglelabels",
            "from_name": "box",
            "to_name": "image",
            "original_width": 1024,
            "original_height": 1024,
            "score": 0.5,
            "value": {
                **dict(
                    zip(("x", "y", "width", "height"), rng.uniform(5, 40, 4).round(3).tolist(), strict=True)
                ),
                "rotation": 0,
                "rectanglelabels": ["Object"],
            },
        }
        for index in range(n_regions)
    ]
    return {"result": result, "score": 0.5, "model_version": version}


def annotate(rest: LabelStudioRest, tasks: Sequence[int]) -> None:
    """Submit an annotation without objects for each task."""
    for number in tasks:
        rest.call("POST", f"/api/tasks/{number}/annotations/", json={"result": [], "lead_time": 1})
