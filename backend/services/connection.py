"""Connect a project to this service, or repair the connection; doing it again changes nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.client import ConnectedModel, LabelStudioClient, model_settings
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.label_config_warnings import config_warnings
from models.prelabel import PRELABELLERS

_PRIVATE_ADDRESS_HELP = """\
Label Studio refuses models on private or loopback addresses. If {url} is meant, start Label Studio with both
  ML_BLOCK_LOCAL_IP=false
  SSRF_PROTECTION_ENABLED=false
(the first alone stores the model but keeps refusing it), restart it, and run this command again.
Or set USE_DEFAULT_BANNED_SUBNETS=false, or give the service an address that is public for Label Studio."""


@dataclass(frozen=True)
class Connection:
    """What is wanted.

    Attributes:
        project_id: Label Studio's number of the project.
        backend_url: Where Label Studio reaches this service.
        title: Name of the model in the project's settings.
        prelabeller: The pre-labeller whose classes the config should know; None to leave that out.
        basic_auth: User and password of this service, if it wants them.
        extra_params: Options of this project; None leaves those in place.
    """

    project_id: int
    backend_url: str
    title: str = "Maskloop"
    prelabeller: str | None = None
    basic_auth: tuple[str, str] | None = None
    extra_params: Mapping[str, Any] | None = None


def connect(client: LabelStudioClient, wanted: Connection) -> list[str]:
    """Add or repair the model, its webhook and the project's pre-label switch.

    Args:
        client: Label Studio.
        wanted: What to connect.

    Returns:
        What was found or done, one sentence each, warnings about the labelling config included.

    Raises:
        LabelConfigError: Nothing in the project's config can be annotated with this service.
        UnknownNameError: There is no such pre-labeller.
        LabelStudioError: Label Studio refused; for a blocked private address the message has the remedy.
    """
    project = client.project(wanted.project_id)
    config = LabelConfig.parse(project.label_config)
    report = [f"Project {project.id} ({project.title}): the labelling config can be used."]
    classes = PRELABELLERS.get(wanted.prelabeller).classes if wanted.prelabeller is not None else ()
    report += [f"Warning: {warning}" for warning in config_warnings(config, classes)]
    model, done = _ensure_model(client, wanted)
    report.append(done)
    if model.state != "Connected":
        raise LabelStudioError(
            f"Label Studio reports the model as {model.state!r}. Open {wanted.backend_url}/health from the "
            "machine that runs Label Studio, and look at this service's log."
        )
    report.append(_ensure_webhook(client, wanted))
    shown = project.model_version or wanted.title
    if not project.shows_predictions or not project.model_version:
        client.show_predictions_of(project.id, shown)
        report.append(f"Pre-labels are shown when a task is opened (version {shown!r}).")
    else:
        report.append(f"Pre-labels were on already (version {shown!r}).")
    return report


def _ensure_model(client: LabelStudioClient, wanted: Connection) -> tuple[ConnectedModel, str]:
    settings = model_settings(
        wanted.backend_url, wanted.title, basic_auth=wanted.basic_auth, extra_params=wanted.extra_params
    )
    same = [
        model
        for model in client.models(wanted.project_id)
        if model.url.rstrip("/") == wanted.backend_url.rstrip("/")
    ]
    try:
        if not same:
            return client.add_model(wanted.project_id, settings), "The model was added."
        for copy in same[1:]:
            client.remove_model(copy.id)
        model = client.change_model(same[0].id, wanted.project_id, settings)
    except LabelStudioError as error:
        if error.status != 403:
            raise
        raise LabelStudioError(
            f"{error}\n{_PRIVATE_ADDRESS_HELP.format(url=wanted.backend_url)}", status=403
        ) from None
    removed = f", {len(same) - 1} duplicates removed" if len(same) > 1 else ""
    return model, f"The model was there; its settings were brought up to date{removed}."


def _ensure_webhook(client: LabelStudioClient, wanted: Connection) -> str:
    url = f"{wanted.backend_url.rstrip('/')}/webhook"
    headers = _authorization(wanted.basic_auth)
    same = [hook for hook in client.webhooks(wanted.project_id) if hook.url == url]
    if same and same[0].complete and all(same[0].headers.get(k) == v for k, v in headers.items()):
        return "The webhook was complete."
    client.save_webhook(wanted.project_id, url, headers, webhook_id=same[0].id if same else None)
    return "The webhook was repaired." if same else "The webhook was added."


def _authorization(basic_auth: tuple[str, str] | None) -> dict[str, str]:
    """Label Studio sends a model's credentials with every call but webhooks; those carry own headers."""
    if basic_auth is None:
        return {}
    token = base64.b64encode(":".join(basic_auth).encode()).decode()
    return {"Authorization": f"Basic {token}"}
