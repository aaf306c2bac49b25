"""What pre-labels one project's tasks outside the service, exactly as the service would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from backend.job_parts import project_defaults
from backend.labelstudio.answers import Answer
from backend.labelstudio.client import Project
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.observability import Metrics
from backend.parts import image_loader, prelabelling, project_models, result_options
from backend.services.project_models import KIND
from backend.services.projects import ProjectOptions, stored_options
from backend.services.task_looks import Eye, TaskLooks, TrainedEye, UntrainedEye
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.device_gate import DeviceGate
from backend.state.model_pool import ModelPool
from backend.state.model_store import ModelStore
from backend.state.project_store import ProjectStore
from backend.state.task_figures import DISAGREEMENT
from backend.state.torch_threads import torch_thread_limit
from models.prelabel import PRELABELLERS
from models.prelabel.base import PreLabeller
from models.prelabel.looks import Looks
from models.prelabel.unet import UNet

PRELABEL_NAMES = (*PRELABELLERS.names, UNet.name)
"""How the versions of this service's pre-labels begin."""
_READ_AHEAD = 4
"""Tasks whose pictures are read while others are computed."""
_COMMITTEE = 3
"""Versions that are asked whether they agree: the one in use and those before it."""
_PATIENCE_S = 24 * 3600.0
"""For a turn on the device: nobody else uses this one."""


@dataclass(frozen=True)
class ProjectModel:
    """A project's pre-labeller, loaded.

    Attributes:
        version: Of all its answers.
        basis: What they depend on besides the version and the task: the labelling config, options, settings.
        predict: From a task to its pre-labels. Safe between threads.
        workers: Threads that should call it.
        trained: Whether the project's annotations trained it.
        options: What the project wants.
        looks: Makes what pre-labels tasks and looks at them, from what a selector uses.
    """

    version: str
    basis: str
    predict: Callable[[Task], Answer]
    workers: int
    trained: bool
    options: ProjectOptions
    looks: Callable[[frozenset[str]], TaskLooks]


def project_model(settings: Settings, project: Project) -> ProjectModel:
    """Load what the service uses for a project.

    Args:
        settings: The service's.
        project: The project.

    Raises:
        LabelConfigError: Nothing in the project's config can be annotated with this service.
        DatabaseError: The service's state cannot be read.
        UnknownNameError: The project's options name an unknown component.
        WeightsNotFoundError: The weights are missing.
    """
    config = LabelConfig.parse(project.label_config)
    engine = open_database(settings.resolved_database_url)
    options = stored_options(ProjectStore(engine), project.id, project_defaults(settings))
    metrics = Metrics()
    workers = settings.compute_slots + _READ_AHEAD
    pool = ModelPool(PRELABELLERS, on_load=lambda model: None)
    images = image_loader(settings, metrics)
    gate = DeviceGate(
        settings.compute_slots,
        workers,
        on_wait=lambda seconds: None,
        prepare_thread=torch_thread_limit(settings.torch_threads, settings.compute_slots),
        timeout_s=_PATIENCE_S,
    )
    answering = prelabelling(settings, engine, images, gate, metrics)
    models = project_models(settings, engine, pool, metrics)
    model = models.for_project(project.id, config, options, heed_choice=False)
    limits = settings.max_regions, settings.max_mask_pixels

    def looks(uses: frozenset[str]) -> TaskLooks:
        return TaskLooks(
            _eye(settings, project.id, model, uses),
            model,
            answer=lambda task, asked: answering.predict_task(task, config, options, asked),
            images=images,
            gate=gate,
            config=config,
        )

    return ProjectModel(
        version=model.version,
        basis=_digest(project.label_config, options.postprocess, asdict(result_options(settings)), limits),
        predict=lambda task: answering.predict_task(task, config, options, model),
        workers=workers,
        trained=isinstance(model, UNet),
        options=options,
        looks=looks,
    )


def _eye(settings: Settings, project_id: int, model: PreLabeller, uses: frozenset[str]) -> Eye:
    if not isinstance(model, UNet):
        return UntrainedEye(model, Looks() if "embeddings" in uses else None)
    return TrainedEye(model, _earlier(settings, project_id, model) if DISAGREEMENT in uses else (), uses)


def _earlier(settings: Settings, project_id: int, model: UNet) -> list[UNet]:
    """The newest versions of the same labels before this one, loaded."""
    store = ModelStore(settings.versions_dir)
    versions = store.versions(project_id)  # newest first
    this = next((info.number for info in versions if info.name == model.version), 0)
    before = [info for info in versions if info.kind == KIND and info.number < this]
    earlier = [info for info in before if info.schema == model.schema][: _COMMITTEE - 1]
    found = [UNet(store.folder(info), info.name) for info in earlier]
    for each in found:
        each.load()
    return found


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()[:16]
