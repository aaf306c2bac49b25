"""Parts that the service and the commands build from the same settings."""

from __future__ import annotations

from backend.errors import SettingsError
from backend.labelstudio.credentials import Credentials, credentials_from_key
from backend.labelstudio.images import ImageLimits, ImageLoader
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.results import ResultOptions
from backend.observability import Metrics
from backend.settings import Settings


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
