"""Everything that can go wrong in `models`, and the root of the project's error tree.

MaskloopError
├── UnknownNameError (ValueError)             a component that is not registered
├── OptionError (ValueError)                  a hyper-parameter that a component does not take
├── PromptError (ValueError)                  clicks or boxes that cannot be used
├── ImageError (ValueError)                   a picture that cannot be decoded or is too large
├── DataFolderError (ValueError)              a folder of pictures and masks that cannot be used
├── WeightsNotFoundError (FileNotFoundError)  weights are not where they should be
├── WeightsError (ValueError)                 a file of weights that is broken or of another network
├── TooFewExamplesError (ValueError)          there is nothing to learn from
├── TrainingRunError (RuntimeError)           a training run that cannot go on
├── MissingExtraError (ImportError)           an optional package is not installed
├── BackendError                              the service's errors, see backend/errors.py
└── ScriptError                               the commands' errors, see scripts/errors.py
"""

from collections.abc import Iterable


class MaskloopError(Exception):
    """Root of every error this project raises on purpose."""


class UnknownNameError(MaskloopError, ValueError):
    """A component was asked for by a name that its family does not have."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no {kind} called {name!r}. Known names: {', '.join(sorted(known))}.")


class OptionError(MaskloopError, ValueError):
    """A hyper-parameter that a component does not take, or a value that it refuses; see the message."""


class PromptError(MaskloopError, ValueError):
    """Prompts that no interactive model can use."""


class ImageError(MaskloopError, ValueError):
    """A picture that cannot be decoded, or that is larger than allowed."""


class DataFolderError(MaskloopError, ValueError):
    """A folder of pictures with masks that is not laid out as it should be; the message says how."""


class WeightsNotFoundError(MaskloopError, FileNotFoundError):
    """A model's weights are missing; the message names the path and the command that fetches them."""


class WeightsError(MaskloopError, ValueError):
    """A file of weights that is broken, or that belongs to another network."""


class TrainingRunError(MaskloopError, RuntimeError):
    """A training run that cannot be begun or gone on with; the message says what to do."""


class TooFewExamplesError(MaskloopError, ValueError):
    """There is nothing to learn from; the message says what is missing."""


class MissingExtraError(MaskloopError, ImportError):
    """A component needs an optional package that is not installed."""

    def __init__(self, component: str, extra: str) -> None:
        super().__init__(
            f"{component} needs packages that are not installed. In Maskloop's folder, run: "
            f"pip install -c constraints.txt '.[{extra}]'"
        )
