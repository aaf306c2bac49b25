"""The composition root: builds everything from one settings object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from backend.api.auth import require_basic_auth
from backend.api.failures import install_error_handlers
from backend.api.lifecycle import lifecycle_blueprint
from backend.api.metrics import metrics_blueprint
from backend.api.predictions import predictions_blueprint
from backend.api.request_log import install_request_log
from backend.api.webhooks import webhooks_blueprint
from backend.byte_cache import ByteCache
from backend.job_parts import job_queue, label_studio_is_known, project_defaults
from backend.labelstudio.payloads import WebhookEvent
from backend.labelstudio.task_queue import TaskQueue
from backend.observability import Metrics
from backend.parts import (
    image_loader,
    label_studio_api,
    prelabelling,
    project_click_models,
    project_models,
    result_options,
    sequence_fields,
)
from backend.services.click_chain import MaskCache
from backend.services.encoding import AnyInteractiveModel, EmbeddingCache, Encoder
from backend.services.encoding_ahead import EncodingAhead
from backend.services.events import Events
from backend.services.fit_triggers import FitTriggers
from backend.services.inspection_metrics import InspectionMetrics
from backend.services.inspection_triggers import InspectionTriggers
from backend.services.interactive import Interactive
from backend.services.job_metrics import JobMetrics
from backend.services.predictions import Predictions
from backend.services.projects import Projects
from backend.services.readiness import Readiness
from backend.services.segmenting import Segmenter
from backend.settings import Settings
from backend.state.click_log import ClickLog
from backend.state.database import open_database
from backend.state.device_gate import DeviceGate
from backend.state.event_inbox import EventInbox
from backend.state.inspections_due import InspectionsDue
from backend.state.job_figures import read_job_figures
from backend.state.model_pool import ModelPool
from backend.state.project_store import ProjectStore
from backend.state.torch_threads import torch_thread_limit
from models.interactive import INTERACTIVE_MODELS
from models.prelabel import PRELABELLERS
from models.prelabel.base import PreLabeller
from models.prelabel.unet import UNet
from models.registry import Registry


def create_app(
    settings: Settings,
    *,
    interactive_models: Registry[AnyInteractiveModel] = INTERACTIVE_MODELS,
    prelabellers: Registry[PreLabeller] = PRELABELLERS,
    open_version: Callable[[Path, str], PreLabeller] = UNet,
) -> Flask:
    """Build the application; nothing exists before this call and two applications share nothing.

    Args:
        settings: The only source of configuration.
        interactive_models: The family to choose interactive models from.
        prelabellers: The family to choose pre-labellers from.
        open_version: Makes the model of a trained version from its folder and its name.

    Raises:
        DatabaseError: The database cannot be opened.
        JobQueueError: The job queue cannot be opened.
        UnknownNameError: A setting names a component that does not exist.
    """
    metrics = Metrics()
    defaults = project_defaults(settings)
    engine = open_database(settings.resolved_database_url)
    prelabel_pool = ModelPool(prelabellers, on_load=lambda model: _loaded(metrics, "prelabel", model))
    interactive_pool = ModelPool(
        interactive_models,
        on_load=lambda model: _loaded(metrics, "interactive", model),
        options=settings.model_options,
    )
    gate = DeviceGate(
        settings.compute_slots,
        settings.compute_queue,
        on_wait=metrics.device_wait_seconds.observe,
        on_refused=metrics.device_refusals.inc,
        prepare_thread=torch_thread_limit(settings.torch_threads, settings.compute_slots),
    )
    images = image_loader(settings, metrics)
    label_studio = label_studio_api(settings)
    inbox = EventInbox(engine)
    models = project_models(settings, engine, prelabel_pool, metrics, open_version=open_version)
    click_models = project_click_models(settings, engine, interactive_pool, metrics)
    queue = job_queue(settings)
    trainings, inspections = FitTriggers(queue), InspectionTriggers(queue)
    inspect = settings.inspect and label_studio_is_known(settings)

    def noticed(event: WebhookEvent) -> None:
        trainings.notice(event)
        if inspect:
            inspections.notice(event)

    projects = Projects(
        ProjectStore(engine),
        defaults,
        prelabellers=prelabel_pool,
        interactive_models=interactive_pool,
        version=models.version,
        announced=inspections.warm_up if inspect else None,
    )
    readiness = Readiness(interactive_models=interactive_pool, prelabellers=prelabel_pool, defaults=defaults)
    embeddings: EmbeddingCache = ByteCache(
        settings.embedding_cache_bytes,
        size_of=lambda embedding: embedding.nbytes,
        on_lookup=lambda hit: metrics.cache_lookup("embedding", hit),
    )
    masks: MaskCache = ByteCache(
        settings.mask_cache_bytes,
        size_of=lambda step: step.nbytes,
        on_lookup=lambda hit: metrics.cache_lookup("mask", hit),
    )
    metrics.cache_bytes.labels("image").set_function(lambda: images.nbytes)
    metrics.cache_bytes.labels("embedding").set_function(lambda: embeddings.nbytes)
    metrics.cache_bytes.labels("mask").set_function(lambda: masks.nbytes)
    encoder = Encoder(embeddings=embeddings, gate=gate, metrics=metrics)
    predictions = Predictions(
        projects=projects,
        models=models,
        prelabelling=prelabelling(settings, engine, images, gate, metrics),
        interactive=Interactive(
            images=images,
            models=click_models,
            segmenter=Segmenter(encoder=encoder, masks=masks, gate=gate, metrics=metrics),
            click_log=ClickLog(engine, keep_days=settings.click_log_days),
            metrics=metrics,
            result_options=result_options(settings),
        ),
        ahead=EncodingAhead(
            images=images,
            models=click_models,
            encoder=encoder,
            queue=None if label_studio is None else TaskQueue(label_studio),
            n_next=settings.prefetch_tasks,
            metrics=metrics,
        ),
        metrics=metrics,
    )
    events = Events(inbox, metrics, sequence_fields(settings), noticed, inspect=inspect)

    metrics.registry.register(JobMetrics(lambda: read_job_figures(engine)))
    metrics.registry.register(InspectionMetrics(InspectionsDue(engine).figures))

    app = Flask("maskloop", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's default provider
    install_request_log(app, metrics)
    install_error_handlers(app)
    if settings.basic_auth_user is not None and settings.basic_auth_password is not None:
        app.before_request(
            require_basic_auth(settings.basic_auth_user, settings.basic_auth_password.get_secret_value())
        )
    app.register_blueprint(lifecycle_blueprint(projects=projects, readiness=readiness, models=models))
    app.register_blueprint(predictions_blueprint(predictions))
    app.register_blueprint(webhooks_blueprint(events))
    app.register_blueprint(metrics_blueprint(metrics))
    app.extensions["maskloop.readiness"] = readiness
    return app


def warm_up(app: Flask) -> None:
    """Load the default models in the background, so that the first annotator does not wait for them."""
    readiness: Readiness = app.extensions["maskloop.readiness"]
    threading.Thread(target=readiness.missing, name="warm-up", daemon=True).start()


def _loaded(metrics: Metrics, kind: str, model: Any) -> None:
    metrics.models_loaded.labels(kind, model.version).set(1)
