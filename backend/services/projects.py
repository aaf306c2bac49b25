"""What each project wants: the defaults of the settings, changed by the model's extra parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from backend.errors import RequestError
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import SetupRequest
from backend.selection import SELECTORS
from backend.state.model_pool import ModelPool
from backend.state.project_store import ProjectStore, StoredProject
from models.chain_text import build_chain
from models.postprocess import POST_PROCESSORS
from models.prelabel.base import PreLabeller

logger = logging.getLogger(__name__)


_SWITCHES = ("avoid_labelled", "learn", "select_after_fit", "inspect")
_LEAST = {"fit_after": 1, "fit_quiet_s": 0, "fit_seconds": 5}
"""Numbers among the options, with the least value of each."""
_MOST = 10**9


@dataclass(frozen=True)
class ProjectOptions:
    """What may differ from project to project; the field names are the keys of `extra_params`.

    Attributes:
        prelabeller: Member of the pre-labeller family.
        interactive_model: Member of the interactive model family.
        postprocess: Chain of post-processors of every mask, see `models.chain_text`.
        avoid_labelled: Whether answers to clicks leave out what other objects cover already.
        learn: Whether annotations train a model of the project, which then makes its pre-labels.
        fit_after: Changed annotations after which a training begins.
        fit_quiet_s: Seconds without changes after which it begins with fewer, and the least time between the
            beginnings of two.
        fit_seconds: About how long a training may take with up to 50 pictures.
        selector: Member of the selector family, which decides which tasks are asked next.
        select_after_fit: Whether it does so whenever a trained version is used.
        inspect: Whether submitted annotations are inspected, and warnings written to their tasks.
    """

    prelabeller: str
    interactive_model: str
    postprocess: tuple[str, ...]
    avoid_labelled: bool = True
    learn: bool = True
    fit_after: int = 8
    fit_quiet_s: float = 60.0
    fit_seconds: float = 120.0
    selector: str = "auto"
    select_after_fit: bool = False
    inspect: bool = True

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
            elif key in _SWITCHES:
                if not isinstance(value, bool):
                    raise RequestError(f"extra_params.{key} must be true or false, not {value!r:.80}.")
            elif key in _LEAST:
                value = _number(key, value)
            elif not isinstance(value, str):
                raise RequestError(f"extra_params.{key} must be a name, not {value!r:.80}.")
            changes[key] = value
        return replace(self, **changes)


def _number(key: str, value: object) -> float:
    whole = key == "fit_after"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise RequestError(f"extra_params.{key} must be {kind}, not {value!r:.80}.")
    if not _LEAST[key] <= value <= _MOST:
        raise RequestError(
            f"extra_params.{key} must be at least {_LEAST[key]} and at most {_MOST}, not {value}."
        )
    return value


def stored_options(store: ProjectStore, project_id: int, defaults: ProjectOptions) -> ProjectOptions:
    """The options of the project that was set up last under a number; the defaults if there is none.

    Raises:
        DatabaseError: The database cannot be read.
    """
    stored = store.newest(project_id)
    return defaults if stored is None else defaults.changed_by(stored.extra_params)


class Projects:
    """Set-up and options of the projects that Label Studio connects. Safe between threads.

    Args:
        store: Where projects are remembered.
        defaults: The options of projects that say nothing.
        prelabellers: The pre-labellers that options may name.
        interactive_models: The same for interactive models.
        version: Names the version of a project's pre-labels; see `ProjectModels.version`.
        announced: Told the number of each project that is set up, again and again; must not wait.

    Raises:
        UnknownNameError: The defaults name an unknown component.
        OptionError: They give a component an option that it does not take.
    """

    def __init__(
        self,
        store: ProjectStore,
        defaults: ProjectOptions,
        *,
        prelabellers: ModelPool[PreLabeller],
        interactive_models: ModelPool[Any],
        version: Callable[[int | None, LabelConfig, ProjectOptions], str],
        announced: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._defaults = defaults
        self._prelabellers = prelabellers
        self._interactive_models = interactive_models
        self._version = version
        self._announced = announced
        self._check(defaults)

    def set_up(self, request: SetupRequest) -> str:
        """Remember the project; repeating it changes nothing.

        Returns:
            The version of its pre-labels.

        Raises:
            LabelConfigError: Nothing in the config can be annotated with this service.
            RequestError: An extra parameter has the wrong type.
            UnknownNameError: An extra parameter names an unknown component.
            OptionError: It gives a component an option that it does not take.
        """
        config = LabelConfig.parse(request.label_config)
        options = self._defaults.changed_by(request.extra_params)
        self._check(options)
        unknown = sorted(set(request.extra_params) - {field.name for field in fields(options)})
        if unknown:
            logger.warning("Project %s: extra_params %s mean nothing here", request.project, unknown)
        self._store.save(request.project, StoredProject(request.label_config, request.extra_params))
        if self._announced is not None and options.inspect:
            self._announced(request.project_id)
        return self._version(request.project_id, config, options)

    def options(self, project: str | None) -> ProjectOptions:
        """The options of a project; the defaults for one that was never set up."""
        stored = self._store.find(project) if project is not None else None
        return self._defaults if stored is None else self._defaults.changed_by(stored.extra_params)

    def _check(self, options: ProjectOptions) -> None:
        self._prelabellers.version(options.prelabeller)
        self._interactive_models.version(options.interactive_model)
        SELECTORS.get(options.selector)
        build_chain(POST_PROCESSORS, options.postprocess)
