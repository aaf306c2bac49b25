"""What each project wants: the defaults of the settings, changed by the model's extra parameters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from backend.errors import RequestError
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import SetupRequest
from backend.state.model_pool import ModelPool
from backend.state.project_store import ProjectStore, StoredProject
from models.postprocess import POST_PROCESSORS
from models.prelabel.base import PreLabeller

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProjectOptions:
    """What may differ from project to project; the field names are the keys of `extra_params`.

    Attributes:
        prelabeller: Member of the pre-labeller family.
        interactive_model: Member of the interactive model family.
        postprocess: Post-processors of every mask, in order.
        avoid_labelled: Whether answers to clicks leave out what other objects cover already.
    """

    prelabeller: str
    interactive_model: str
    postprocess: tuple[str, ...]
    avoid_labelled: bool = True

    def changed_by(self, extra_params: Mapping[str, Any]) -> ProjectOptions:
        """These options with the project's own values in place.

        Args:
            extra_params: JSON object; keys that are not options are left to others.

        Raises:
            RequestError: A value has the wrong type.
        """
        changes: dict[str, Any] = {}
        for key in (field.name for field in fields(self)):
            if key not in extra_params:
                continue
            value = extra_params[key]
            if key == "postprocess":
                if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                    raise RequestError(f"extra_params.{key} must be a list of names, not {value!r:.80}.")
                value = tuple(value)
            elif key == "avoid_labelled":
                if not isinstance(value, bool):
                    raise RequestError(f"extra_params.{key} must be true or false, not {value!r:.80}.")
            elif not isinstance(value, str):
                raise RequestError(f"extra_params.{key} must be a name, not {value!r:.80}.")
            changes[key] = value
        return replace(self, **changes)


class Projects:
    """Set-up and options of the projects that Label Studio connects. Safe between threads.

    Raises:
        UnknownNameError: The defaults name an unknown component.
    """

    def __init__(
        self,
        store: ProjectStore,
        defaults: ProjectOptions,
        *,
        prelabellers: ModelPool[PreLabeller],
        interactive_models: ModelPool[Any],
    ) -> None:
        self._store = store
        self._defaults = defaults
        self._prelabellers = prelabellers
        self._interactive_models = interactive_models
        self._check(defaults)

    def set_up(self, request: SetupRequest) -> str:
        """Remember the project; repeating it changes nothing.

        Returns:
            The version of its pre-labels.

        Raises:
            LabelConfigError: Nothing in the config can be annotated with this service.
            RequestError: An extra parameter has the wrong type.
            UnknownNameError: An extra parameter names an unknown component.
        """
        LabelConfig.parse(request.label_config)
        options = self._defaults.changed_by(request.extra_params)
        self._check(options)
        unknown = sorted(set(request.extra_params) - {field.name for field in fields(options)})
        if unknown:
            logger.warning("Project %s: extra_params %s mean nothing here", request.project, unknown)
        self._store.save(request.project, StoredProject(request.label_config, request.extra_params))
        return self._prelabellers.version(options.prelabeller)

    def options(self, project: str | None) -> ProjectOptions:
        """The options of a project; the defaults for one that was never set up."""
        stored = self._store.find(project) if project is not None else None
        return self._defaults if stored is None else self._defaults.changed_by(stored.extra_params)

    def _check(self, options: ProjectOptions) -> None:
        self._prelabellers.version(options.prelabeller)
        self._interactive_models.version(options.interactive_model)
        for name in options.postprocess:
            POST_PROCESSORS.get(name)
