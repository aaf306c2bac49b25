"""What Label Studio sends, as frozen objects: JSON bodies in, checked requests out.

Nothing secret survives parsing: the task-data login, project tokens and the access token are dropped.
Messages name the field and never repeat more than a few characters of what was sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.errors import RequestError
from backend.labelstudio.automatic_annotations import is_untouched
from backend.labelstudio.review_predictions import is_review

KNOWN_ACTIONS = frozenset(
    {
        "START_TRAINING",
        "ANNOTATION_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATIONS_DELETED",
        "TASKS_CREATED",
        "TASKS_DELETED",
        "PROJECT_CREATED",
        "PROJECT_UPDATED",
        "PROJECT_DELETED",
        "LABEL_LINK_CREATED",
        "LABEL_LINK_UPDATED",
        "LABEL_LINK_DELETED",
    }
)
"""Webhook actions of Label Studio 1.23."""

_PROJECT = re.compile(r"([0-9]{1,18})(\.[0-9]{1,18})?")
_PROJECT_SECRETS = frozenset({"token", "task_data_login", "task_data_password"})
_MAX_ACTION_LENGTH = 128  # the column that holds it in Label Studio


@dataclass(frozen=True)
class Task:
    """A task, without its annotations.

    Attributes:
        id: Its number, None when it is not stored yet.
        project: Number of its project.
        data: What was imported; picture addresses are unresolved.
        draft: Result items of the clicking annotator's latest draft, which the editor saves every 5 s; empty
            without one.
        draft_saved_at: When that was, as sent.
        prelabels: Result items of the pre-labels that the editor begins with while there is no draft; empty
            when there is one.
        meta: What was imported beside the data.
    """

    id: int | None
    project: int | None
    data: Mapping[str, Any]
    draft: tuple[Any, ...] = field(default=(), repr=False, compare=False)
    draft_saved_at: str = field(default="", repr=False, compare=False)
    prelabels: tuple[Any, ...] = field(default=(), repr=False, compare=False)
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PredictRequest:
    """A request for pre-labels, or for the masks of clicks.

    Attributes:
        project: "<id>.<created>" as sent.
        project_id: The number in it.
        label_config: The project's labelling config, XML.
        tasks: The answer needs one item for each, in this order.
        context: Result items of the prompts, oldest first; None asks for pre-labels.
    """

    project: str | None
    project_id: int | None
    label_config: str
    tasks: tuple[Task, ...]
    context: tuple[Mapping[str, Any], ...] | None

    def fingerprint(self) -> str:
        """SHA-256 of everything the answer depends on: equal requests have equal fingerprints.

        Raises:
            RequestError: The body is nested too deeply.
        """
        content = (
            self.project,
            self.label_config,
            [(task.id, task.project, task.data, task.meta) for task in self.tasks],
            self.context,
        )
        try:
            text = json.dumps(content, sort_keys=True)
        except RecursionError:
            raise RequestError("The body is nested too deeply.") from None
        return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class SetupRequest:
    """The announcement of a project; it arrives again and again.

    Attributes:
        project: "<id>.<created>" as sent.
        project_id: The number in it.
        label_config: The project's labelling config, XML.
        hostname: Label Studio's own idea of its address, "" when it did not say.
        extra_params: What was typed into the model's settings.
    """

    project: str
    project_id: int
    label_config: str
    hostname: str
    extra_params: Mapping[str, Any]


@dataclass(frozen=True)
class WebhookEvent:
    """Something that happened in Label Studio.

    Attributes:
        action: Its name.
        known: Whether this service knows the action.
        project_id: Where it happened; None when the webhook is set to send no details.
        task_ids: Tasks it concerns, without repetition. Deleted annotations do not say theirs.
        annotation_ids: Annotations it concerns, without repetition.
        skipped: Whether all its annotations are skips, which hold no result, or automatic ones that nobody
            has changed: there is nothing to learn from either.
        chosen_version: The version whose predictions the project shows, or the title of a model that is asked
            for them; "" if there is none, None when the event does not say.
        body: The whole event without secrets.
    """

    action: str
    known: bool
    project_id: int | None
    task_ids: tuple[int, ...]
    annotation_ids: tuple[int, ...]
    skipped: bool
    chosen_version: str | None
    body: Mapping[str, Any]


def parse_predict(body: object) -> PredictRequest:
    """Read the body of `/predict`.

    Raises:
        RequestError: It is not what Label Studio sends; the message names the field.
    """
    fields = as_object(body, "The body")
    project, project_id = _project(fields.get("project"))
    tasks = _list(fields.get("tasks"), "tasks")
    return PredictRequest(
        project=project,
        project_id=project_id,
        label_config=_text(fields.get("label_config"), "label_config"),
        tasks=tuple(_task(task, f"tasks[{index}]") for index, task in enumerate(tasks)),
        context=_context(fields.get("params")),
    )


def parse_setup(body: object) -> SetupRequest:
    """Read the body of `/setup`. Its access token is dropped: it is the project owner's.

    Raises:
        RequestError: It is not what Label Studio sends; the message names the field.
    """
    fields = as_object(body, "The body")
    project, project_id = _project(fields.get("project"))
    if project is None or project_id is None:
        raise RequestError("project is missing.")
    hostname = fields.get("hostname")
    return SetupRequest(
        project=project,
        project_id=project_id,
        label_config=_text(fields.get("schema"), "schema"),
        hostname="" if hostname is None else _text(hostname, "hostname"),
        extra_params=_extra_params(fields.get("extra_params")),
    )


def parse_webhook(body: object) -> WebhookEvent:
    """Read the body of `/webhook`. Actions that this service does not know are accepted.

    Raises:
        RequestError: It is not what Label Studio sends; the message names the field.
    """
    fields = as_object(body, "The body")
    action = _text(fields.get("action"), "action")
    if not 0 < len(action) <= _MAX_ACTION_LENGTH:
        raise RequestError(f"action must have 1 to {_MAX_ACTION_LENGTH} characters, not {len(action)}.")
    annotations = _objects(fields, "annotation") + _objects(fields, "annotations")
    tasks = _objects(fields, "task") + _objects(fields, "tasks")
    project = fields.get("project")
    project_fields = {} if project is None else as_object(project, "project")
    task_ids = [_id(task.get("id"), f"{where}.id") for where, task in tasks]
    task_ids += [_id(annotation.get("task"), f"{where}.task") for where, annotation in annotations]
    annotation_ids = [_id(annotation.get("id"), f"{where}.id") for where, annotation in annotations]
    return WebhookEvent(
        action=action,
        known=action in KNOWN_ACTIONS,
        project_id=_id(project_fields.get("id"), "project.id"),
        task_ids=_unique(task_ids),
        annotation_ids=_unique(annotation_ids),
        chosen_version=_chosen_version(project_fields),
        skipped=bool(annotations) and all(_teaches_nothing(item) for _, item in annotations),
        body={**fields, "project": _without_secrets(project_fields)} if "project" in fields else fields,
    )


def _teaches_nothing(annotation: Mapping[str, Any]) -> bool:
    return annotation.get("was_cancelled") is True or is_untouched(annotation)


def as_object(value: object, where: str) -> Mapping[str, Any]:
    """The value, if it is a JSON object.

    Args:
        value: Parsed JSON.
        where: Path of the field, for the message.

    Raises:
        RequestError: It is something else.
    """
    if not isinstance(value, dict):
        raise RequestError(f"{where} must be an object, not {json_type(value)}.")
    return value


def json_type(value: object) -> str:
    """What JSON calls the value, with its article: "a list"."""
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a text", dict: "an object", list: "a list"}
    return names.get(type(value), "a number")


def shown(value: object) -> str:
    """A value for a message: texts and numbers cut to 80 characters, anything else by its kind."""
    if isinstance(value, str):
        return repr(value[:80]) + ("..." if len(value) > 80 else "")
    if isinstance(value, float) or (type(value) is int and abs(value) < 10**18):
        return repr(value)
    return json_type(value)


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise RequestError(f"{where} must be a list, not {json_type(value)}.")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{where} must be a text, not {json_type(value)}.")
    return value


def _id(value: object, where: str) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < 2**63:  # what a database column holds
        raise RequestError(f"{where} must be a whole number or null, not {shown(value)}.")
    return value


def _project(value: object) -> tuple[str | None, int | None]:
    """The project as text and its number; Label Studio sends "<id>.<unix seconds of its creation>"."""
    if value is None or value == "":
        return None, None
    text = str(value) if _is_small_number(value) else value
    match = _PROJECT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise RequestError(f'project must look like "12.1700000000", not {shown(value)}.')
    return match.group(), int(match.group(1))


def _is_small_number(value: object) -> bool:
    return type(value) is int and 0 <= value < 10**18


def _task(value: object, where: str) -> Task:
    fields = as_object(value, where)
    drafts = _with_results(fields.get("drafts"))
    draft = max(drafts, key=_saved_at, default=None)
    prelabels = _newest_version(_with_results(fields.get("predictions")))
    meta = fields.get("meta")
    return Task(
        id=_id(fields.get("id"), f"{where}.id"),
        project=_id(fields.get("project"), f"{where}.project"),
        data=as_object(fields.get("data"), f"{where}.data"),
        draft=() if draft is None else tuple(draft["result"]),
        draft_saved_at="" if draft is None else _saved_at(draft),
        prelabels=tuple(prelabels[0]["result"]) if prelabels and draft is None else (),
        meta=meta if isinstance(meta, dict) else {},
    )


def _with_results(entries: object) -> list[dict[str, Any]]:
    """Drafts or predictions that can be used; a click must not fail because of the others."""
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("result"), list)]


def _saved_at(draft: Mapping[str, Any]) -> str:
    return str(draft.get("updated_at"))


def _newest_version(predictions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the version that was stored last, oldest first: the editor shows the first of its version.

    What is there to be reviewed beside an annotation is nothing to begin from.
    """
    begun_from = [each for each in predictions if not is_review(each.get("model_version"))]
    oldest_first = sorted(begun_from, key=lambda each: str(each.get("created_at")))
    return [
        each for each in oldest_first if each.get("model_version") == oldest_first[-1].get("model_version")
    ]


def _context(params: object) -> tuple[Mapping[str, Any], ...] | None:
    if params is None:
        return None
    context = as_object(params, "params").get("context")
    if context is None:
        return None
    result = as_object(context, "params.context").get("result")
    if result is None:
        return ()
    items = _list(result, "params.context.result")
    return tuple(as_object(item, f"params.context.result[{index}]") for index, item in enumerate(items))


def _extra_params(value: object) -> Mapping[str, Any]:
    """The settings of the model: an object, or, from the text field of older servers, its JSON text."""
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise RequestError(f"extra_params must be a JSON object, not {shown(value)}.") from None
    return as_object(value, "extra_params")


def _objects(fields: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The objects under a key that holds one object, a list of them, or nothing; each with its path."""
    value = fields.get(key)
    if value is None:
        return []
    if isinstance(value, list):
        return [(f"{key}[{i}]", as_object(item, f"{key}[{i}]")) for i, item in enumerate(value)]
    return [(key, as_object(value, key))]


def _chosen_version(project: Mapping[str, Any]) -> str | None:
    """As printable characters only: databases refuse some that JSON may hold, and no version has others."""
    if "model_version" not in project:
        return None
    version = project["model_version"]
    return version if isinstance(version, str) and version.isprintable() else ""


def _unique(ids: list[int | None]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(number for number in ids if number is not None))


def _without_secrets(project: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in project.items() if key not in _PROJECT_SECRETS}
