"""The calls this project makes to Label Studio's REST API, over its SDK.

SDK and network errors end here: callers see `LabelStudioError` with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError

from backend.errors import LabelStudioError
from backend.labelstudio.rest import refusal


@dataclass(frozen=True)
class Project:
    """A project as the connect command needs it.

    Attributes:
        id: Its number.
        title: What people call it.
        label_config: XML.
        model_version: The version or model title whose predictions are shown; "" for none.
        shows_predictions: Whether predictions are loaded when a task is opened.
    """

    id: int
    title: str
    label_config: str
    model_version: str
    shows_predictions: bool


@dataclass(frozen=True)
class ConnectedModel:
    """A machine learning backend of a project.

    Attributes:
        id: Its number; the lowest of a project is asked for predictions.
        url: Where Label Studio reaches it.
        title: What the settings page calls it.
        interactive: Whether smart tools use it.
        state: "Connected", "Error", ... as the settings page shows it.
        basic_auth_user: User sent with each call, "" without authentication.
    """

    id: int
    url: str
    title: str
    interactive: bool
    state: str
    basic_auth_user: str


@dataclass(frozen=True)
class Webhook:
    """A webhook of a project.

    Attributes:
        id: Its number.
        url: Where events are sent.
        headers: Sent with each event.
        complete: Whether it is active and sends every action with its payload.
    """

    id: int
    url: str
    headers: Mapping[str, str]
    complete: bool


class LabelStudioClient:
    """A narrow wrapper of the SDK client. Close it, or use it in a `with` block.

    Args:
        url: Label Studio's address, with scheme.
        api_key: Legacy token or personal access token; the SDK renews the latter by itself.
        timeout_s: For one call. Adding a model makes Label Studio call back, which takes seconds.
        http: Transport of the calls, which stays open; one of its own by default.

    Raises:
        LabelStudioError: The key has expired.
    """

    def __init__(
        self, url: str, api_key: str, *, timeout_s: float = 60.0, http: httpx.Client | None = None
    ) -> None:
        self._url = url
        self._own_http = httpx.Client(timeout=timeout_s, follow_redirects=True) if http is None else None
        with self._translated("log in"):
            self._sdk = LabelStudio(  # type: ignore[no-untyped-call] # the SDK's constructor has no types
                base_url=url, api_key=api_key, timeout=timeout_s, httpx_client=http or self._own_http
            )

    def close(self) -> None:
        """Give up the connections, but not those of a transport that was passed in."""
        if self._own_http is not None:
            self._own_http.close()

    def __enter__(self) -> LabelStudioClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def project(self, project_id: int) -> Project:
        """Return the project.

        Raises:
            LabelStudioError: It does not exist, or the key may not see it.
        """
        with self._translated(f"read project {project_id}"):
            found = self._sdk.projects.get(id=project_id)
        return Project(
            id=project_id,
            title=found.title or "",
            label_config=found.label_config or "",
            model_version=found.model_version or "",
            shows_predictions=bool(found.show_collab_predictions),
        )

    def show_predictions_of(self, project_id: int, model_version: str) -> None:
        """Load predictions when a task is opened, those of this version or model title.

        Raises:
            LabelStudioError: Label Studio refused.
        """
        with self._translated(f"change project {project_id}"):
            # One call: turning predictions off and on separately empties the version.
            self._sdk.projects.update(
                id=project_id, show_collab_predictions=True, model_version=model_version
            )

    def models(self, project_id: int) -> list[ConnectedModel]:
        """The project's models, lowest number first.

        Raises:
            LabelStudioError: Label Studio refused.
        """
        with self._translated(f"list the models of project {project_id}"):
            found = self._sdk.ml.list(project=project_id)
        return sorted((_model(item) for item in found), key=lambda model: model.id)

    def add_model(self, project_id: int, settings: Mapping[str, Any]) -> ConnectedModel:
        """Add a model; Label Studio calls its `/health` and `/setup` before it answers.

        Args:
            project_id: The project.
            settings: Fields of the model, see `model_settings`.

        Raises:
            LabelStudioError: Label Studio refused; `status` 403 means a blocked private address.
        """
        with self._translated("add the model"):
            return _model(self._sdk.ml.create(project=project_id, **settings))

    def change_model(self, model_id: int, project_id: int, settings: Mapping[str, Any]) -> ConnectedModel:
        """Change a model; url, project and credentials must always be sent, they are checked together.

        Raises:
            LabelStudioError: Label Studio refused.
        """
        with self._translated("change the model"):
            return _model(self._sdk.ml.update(id=model_id, project=project_id, **settings))

    def remove_model(self, model_id: int) -> None:
        """Remove a model; its webhook stays.

        Raises:
            LabelStudioError: Label Studio refused.
        """
        with self._translated("remove a model"):
            self._sdk.ml.delete(id=model_id)

    def webhooks(self, project_id: int) -> list[Webhook]:
        """The project's webhooks.

        Raises:
            LabelStudioError: Label Studio refused.
        """
        with self._translated("list the webhooks"):
            found = self._sdk.webhooks.list(project=str(project_id))
        return [
            Webhook(
                id=int(hook.id or 0),
                url=hook.url,
                headers=dict(hook.headers or {}),
                complete=bool(hook.is_active and hook.send_for_all_actions and hook.send_payload),
            )
            for hook in found
        ]

    def save_webhook(
        self, project_id: int, url: str, headers: Mapping[str, str], *, webhook_id: int | None
    ) -> None:
        """Create or overwrite a webhook so that every action reaches the address, with these headers.

        Raises:
            LabelStudioError: Label Studio refused.
        """
        settings: dict[str, Any] = {
            "url": url,
            "headers": dict(headers),
            "is_active": True,
            "send_for_all_actions": True,
            "send_payload": True,
        }
        with self._translated("save the webhook"):
            if webhook_id is None:
                self._sdk.webhooks.create(project=project_id, **settings)
            else:
                self._sdk.webhooks.update(id=webhook_id, **settings)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            raise LabelStudioError(
                f"Label Studio at {self._url} would not {what}: {refusal(error.status_code, error.body)}",
                status=error.status_code,
            ) from None
        except httpx.HTTPError as error:
            raise LabelStudioError(
                f"Label Studio at {self._url} cannot be reached to {what}: {error}. "
                "Check the address and that the server runs."
            ) from None


def model_settings(
    url: str, title: str, *, basic_auth: tuple[str, str] | None, extra_params: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The fields of a model: interactive, following the versions that its `/setup` reports.

    Args:
        url: Where Label Studio reaches the model.
        title: Shown in the project's settings.
        basic_auth: User and password, if the model wants them.
        extra_params: The project's options; None leaves those in place.
    """
    settings: dict[str, Any] = {"url": url, "title": title, "is_interactive": True, "auto_update": True}
    if basic_auth is None:
        settings["auth_method"] = "NONE"
    else:
        settings |= {
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": basic_auth[0],
            "basic_auth_pass": basic_auth[1],
        }
    if extra_params is not None:
        settings["extra_params"] = dict(extra_params)
    return settings


def _model(item: Any) -> ConnectedModel:
    return ConnectedModel(
        id=int(item.id or 0),
        url=item.url,
        title=item.title or "",
        interactive=bool(item.is_interactive),
        state=item.readable_state or "",
        basic_auth_user=item.basic_auth_user or "",
    )
