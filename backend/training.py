"""The composition root of a training: everything that the process of one job needs."""

from __future__ import annotations

from functools import partial

import cv2
import torch

from backend.job_parts import project_defaults
from backend.observability import Metrics, configure_logging
from backend.parts import image_loader, training_data_reader
from backend.queueing import make_round
from backend.services.click_fit import ClickFit
from backend.services.fit import Fit
from backend.services.job_process import JobResult, ReportProgress
from backend.services.project_training import ProjectTraining, ReadOnce
from backend.services.projects import ProjectOptions, stored_options
from backend.services.queue_after_fit import ordered_after
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.jobs import Job
from backend.state.model_pool import ModelPool
from backend.state.model_store import ModelStore
from backend.state.project_store import ProjectStore
from backend.state.torch_threads import processors
from models.interactive import INTERACTIVE_MODELS
from models.prelabel import PRELABELLERS
from models.prelabel.unet import UNet
from models.training.prelabel_fit import fit_prelabeller


def train_project(settings: Settings, job: Job, report: ReportProgress) -> JobResult:
    """Train the project of a job.

    Args:
        settings: The only source of configuration.
        job: As taken.
        report: Told the progress; what it raises ends the job.

    Raises:
        MaskloopError: See `ProjectTraining.run`.
    """
    configure_logging(settings.log_level, as_json=settings.log_json)
    threads = settings.fit_threads or processors()  # clicks go first by the priority of the process
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    engine, metrics = open_database(settings.resolved_database_url), Metrics()
    projects, defaults = ProjectStore(engine), project_defaults(settings)
    interactive = ModelPool(INTERACTIVE_MODELS, on_load=lambda model: None, options=settings.model_options)
    reader = ReadOnce(training_data_reader(settings, engine, image_loader(settings, metrics), interactive))
    store, active = ModelStore(settings.versions_dir), ActiveVersions(engine)

    def options(project_id: int) -> ProjectOptions:
        return stored_options(projects, project_id, defaults)

    fit = Fit(
        reader=reader,
        learn=fit_prelabeller,
        store=store,
        active=active,
        options=options,
        baseline=ModelPool(PRELABELLERS, on_load=lambda model: None).get,
        open_version=UNet,
        scratch=settings.jobs_dir,
        cap_s=settings.fit_seconds_max,
    )
    clicks = ClickFit(store=store, active=active, shipped=settings.model_options["clicknet"]["weights"])
    training = ProjectTraining(
        fit.run, clicks=clicks, reader=reader, options=options, scratch=settings.jobs_dir
    )
    result = training.run(job, report)
    return ordered_after(
        result, options(job.project_id), partial(make_round, settings, job.project_id), report
    )
