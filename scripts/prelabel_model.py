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
from backend.parts import image_loader, project_models, propagating, result_options
from backend.services.prelabelling import Prelabelling
from backend.services.projects import stored_options
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.device_gate import DeviceGate
from backend.state.model_pool import ModelPool
from backend.state.project_store import ProjectStore
from backend.state.torch_threads import torch_thread_limit
from models.prelabel import PRELABELLERS

_READ_AHEAD = 4
"""Tasks whose pictures are read while others are computed."""
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
    """

    version: str
    basis: str
    predict: Callable[[Task], Answer]
    workers: int


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
    written = result_options(settings)
    images = image_loader(settings, metrics)
    prelabelling = Prelabelling(
        images=images,
        gate=DeviceGate(
            settings.compute_slots,
            workers,
            on_wait=lambda seconds: None,
            prepare_thread=torch_thread_limit(settings.torch_threads, settings.compute_slots),
            timeout_s=_PATIENCE_S,
        ),
        metrics=metrics,
        propagating=propagating(settings, engine, images, metrics),
        max_regions=settings.max_regions,
        max_mask_pixels=settings.max_mask_pixels,
        result_options=written,
    )
    models = project_models(settings, engine, pool, metrics)
    model = models.for_project(project.id, config, options, heed_choice=False)
    limits = settings.max_regions, settings.max_mask_pixels
    return ProjectModel(
        version=model.version,
        basis=_digest(project.label_config, options.postprocess, asdict(written), limits),
        predict=lambda task: prelabelling.predict_task(task, config, options, model),
        workers=workers,
    )


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()[:16]
