"""Parts that the service and the commands build from the same settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from backend.errors import SettingsError
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.credentials import Credentials, credentials_from_key
from backend.labelstudio.images import ImageLimits, ImageLoader
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.results import ResultOptions
from backend.observability import Metrics
from backend.services.box_masks import BoxMasks
from backend.services.encoding import AnyInteractiveModel
from backend.services.prelabelling import Prelabelling
from backend.services.project_click_models import KIND as CLICK
from backend.services.project_click_models import ProjectClickModels
from backend.services.project_models import KIND as PRELABEL
from backend.services.project_models import ProjectModels
from backend.services.propagating import Propagating
from backend.services.sequences import SequenceFields
from backend.services.training_data import TrainingDataReader
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.device_gate import DeviceGate
from backend.state.event_inbox import EventInbox
from backend.state.frames import Frames
from backend.state.model_pool import ModelPool
from backend.state.model_store import FILES as MODEL_FILES
from backend.state.model_store import ModelStore
from backend.state.version_pool import VersionPool
from models.interactive.clicknet import ClickNetModel
from models.prelabel.base import PreLabeller
from models.prelabel.unet import UNet


def label_studio_credentials(settings: Settings) -> Credentials | None:
    """How to log in to Label Studio, None without an address or a key.

    Raises:
        SettingsError: The key cannot be one.
    """
    key, url = settings.label_studio_api_key, settings.label_studio_url
    return credentials_from_key(key.get_secret_value(), url) if key is not None and url else None


def label_studio_api(settings: Settings) -> LabelStudioApi | None:
    """Calls to Label Studio, None without an address or a key.

    Raises:
        SettingsError: The key cannot be one.
    """
    credentials, url = label_studio_credentials(settings), settings.label_studio_url
    return LabelStudioApi(url, credentials) if credentials is not None and url is not None else None


def needed_label_studio_api(settings: Settings) -> LabelStudioApi:
    """Calls to Label Studio, for what cannot be done without.

    Raises:
        SettingsError: The address or the key is missing, or the key cannot be one.
    """
    api = label_studio_api(settings)
    if api is None:
        raise SettingsError(
            "Label Studio's address and token are needed: set MASKLOOP_LABEL_STUDIO_URL and "
            "MASKLOOP_LABEL_STUDIO_API_KEY."
        )
    return api


def image_loader(settings: Settings, metrics: Metrics) -> ImageLoader:
    """Loads the pictures of tasks.

    Raises:
        SettingsError: Label Studio's address or key cannot be one.
    """
    return ImageLoader(
        label_studio_url=settings.label_studio_url,
        credentials=label_studio_credentials(settings),
        local_files_root=settings.local_files_root,
        allowed_hosts=settings.allowed_hosts,
        allowed_private_hosts=settings.allowed_private_hosts,
        limits=ImageLimits(settings.max_image_bytes, settings.max_image_pixels, settings.image_timeout_s),
        cache_bytes=settings.image_cache_bytes,
        on_lookup=lambda hit: metrics.cache_lookup("image", hit),
    )


def result_options(settings: Settings) -> ResultOptions:
    """How regions are written."""
    return ResultOptions(settings.polygon_min_iou, settings.polygon_max_points)


def project_models(
    settings: Settings,
    engine: Engine,
    pool: ModelPool[PreLabeller],
    metrics: Metrics,
    *,
    open_version: Callable[[Path, str], PreLabeller] = UNet,
) -> ProjectModels:
    """The pre-labellers of projects.

    Args:
        settings: Where trained versions lie, and how many are kept in memory.
        engine: The database.
        pool: The pre-labellers that were not trained for a project.
        metrics: What is counted.
        open_version: Makes the model of a trained version from its folder and its name.
    """
    store = ModelStore(settings.versions_dir)
    trained = VersionPool[PreLabeller](
        PRELABEL,
        store=store,
        active=ActiveVersions(engine),
        open_version=open_version,
        max_loaded=settings.project_models,
        metrics=metrics,
    )
    return ProjectModels(pool, trained=trained, store=store, inbox=EventInbox(engine))


def project_click_models(
    settings: Settings, engine: Engine, pool: ModelPool[AnyInteractiveModel], metrics: Metrics
) -> ProjectClickModels:
    """The interactive models of projects.

    Args:
        settings: Where trained versions lie, and how many are kept in memory.
        engine: The database.
        pool: The interactive models that were not trained for a project.
        metrics: What is counted.
    """
    trained = VersionPool[AnyInteractiveModel](
        CLICK,
        store=ModelStore(settings.versions_dir),
        active=ActiveVersions(engine),
        open_version=lambda folder, name: ClickNetModel(weights=folder / MODEL_FILES[0], version=name),
        max_loaded=settings.project_models,
        metrics=metrics,
    )
    return ProjectClickModels(pool, trained)


def sequence_fields(settings: Settings) -> SequenceFields:
    """Where tasks say which sequence they are of."""
    return SequenceFields(settings.group_field, settings.frame_field)


def prelabelling(
    settings: Settings, engine: Engine, images: ImageLoader, gate: DeviceGate, metrics: Metrics
) -> Prelabelling:
    """What answers tasks with pre-labels."""
    return Prelabelling(
        images=images,
        gate=gate,
        metrics=metrics,
        propagating=propagating(settings, engine, images, metrics),
        max_regions=settings.max_regions,
        max_mask_pixels=settings.max_mask_pixels,
        result_options=result_options(settings),
    )


def propagating(settings: Settings, engine: Engine, images: ImageLoader, metrics: Metrics) -> Propagating:
    """Takes objects over from annotated neighbours in a sequence.

    Args:
        settings: Where trained versions lie, and where tasks say which sequence they are of.
        engine: The database.
        images: Loads the pictures of tasks.
        metrics: What is counted.
    """
    return Propagating(
        frames=Frames(engine),
        inbox=EventInbox(engine),
        store=ModelStore(settings.versions_dir),
        sequences=sequence_fields(settings),
        images=images,
        metrics=metrics,
    )


def training_data_reader(
    settings: Settings,
    engine: Engine,
    images: ImageLoader,
    interactive_models: ModelPool[AnyInteractiveModel],
) -> TrainingDataReader:
    """Reads what annotators submitted: through the API with a key, else from webhooks alone.

    Args:
        settings: Where Label Studio and the state are.
        engine: The database.
        images: Loads the pictures of tasks.
        interactive_models: Turn drawn boxes into masks.

    Raises:
        SettingsError: The key cannot be one.
    """
    api = label_studio_api(settings)
    return TrainingDataReader(
        inbox=EventInbox(engine),
        api=None if api is None else AnnotatedTasks(api),
        images=images,
        boxes=BoxMasks(
            settings.resolved_state_dir / "box-masks",
            lambda: interactive_models.get(settings.interactive_model),
        ),
        sequences=sequence_fields(settings),
    )
