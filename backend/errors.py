"""The service's errors, and the HTTP status of every error class.

MaskloopError                                 models/errors.py
├── UnknownNameError, OptionError             400
├── PromptError, ImageError                   400
├── WeightsNotFoundError, WeightsError        503
├── MissingExtraError                         503
└── BackendError                              500
    ├── SettingsError (ValueError)                 stops the start; names the variable
    ├── RequestError (ValueError)             400  not what Label Studio sends; names the field
    │   └── BodyTooLargeError                 413
    ├── LabelConfigError (ValueError)         400  no usable control; shows a config that works
    ├── NotAuthorizedError                    401
    ├── ImageAddressError (ValueError)        403  an address that this service must not fetch from
    ├── ImageUnavailableError                 502  the picture could not be fetched
    ├── LabelStudioError                      502  Label Studio refused or failed a call
    ├── NothingAnnotatedError (ValueError)    409  a project holds nothing to learn from
    ├── DatabaseError                         503  the state cannot be read or written
    ├── JobQueueError                         503  the queue of jobs cannot be reached
    ├── UnknownJobError (LookupError)         404  there is no job of that number
    ├── UnknownProjectError (LookupError)     404  Label Studio never announced that project
    ├── JobLostError (RuntimeError)                the job belongs to another worker by now
    ├── JobCancelledError (RuntimeError)           somebody wants the job to end
    ├── ModelStoreError                       503  a trained version is damaged, or cannot be stored
    ├── PrelabelRoundError                         a round of bulk pre-labels cannot begin or go on
    ├── QueueRoundError                            an order of tasks cannot be made, kept or put back
    ├── AuditError (ValueError)                    an audit cannot be drawn or reported
    ├── NoVersionBeforeError (ValueError)     409  there is nothing to roll back
    └── BusyError                             503  too many requests wait; carries Retry-After

Catch `MaskloopError` to answer anything this project raises on purpose, a leaf to recover from one cause.
"""

from __future__ import annotations

from models.errors import (
    ImageError,
    MaskloopError,
    MissingExtraError,
    OptionError,
    PromptError,
    UnknownNameError,
    WeightsError,
    WeightsNotFoundError,
)


class BackendError(MaskloopError):
    """Root of the service's own errors."""


class SettingsError(BackendError, ValueError):
    """A setting is unknown or has a wrong value; the message names the variable."""


class RequestError(BackendError, ValueError):
    """A request that Label Studio would not send; the message names the field."""


class BodyTooLargeError(RequestError):
    """A request body above the limit; the message names the setting."""


class LabelConfigError(BackendError, ValueError):
    """A labelling config that cannot be used; the message shows one that can."""


class NotAuthorizedError(BackendError):
    """Credentials are missing or wrong."""


class ImageAddressError(BackendError, ValueError):
    """A task names a picture at an address that this service must not fetch from."""


class ImageUnavailableError(BackendError):
    """A picture could not be fetched: not found, too slow, or the server refused."""


class LabelStudioError(BackendError):
    """Label Studio refused or failed a call; the message says which, never the token.

    Attributes:
        status: HTTP status of its answer; None when it could not be reached.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NothingAnnotatedError(BackendError, ValueError):
    """A project holds nothing that a model could learn from; the message says what was found."""


class DatabaseError(BackendError):
    """The service's own state cannot be read or written."""

    @classmethod
    def while_doing(cls, what: str, error: Exception) -> DatabaseError:
        """Describe a driver's error without the statement and its values."""
        return cls(f"The database failed while {what}: {getattr(error, 'orig', error)}")


class ModelStoreError(BackendError):
    """A trained version is damaged or cannot be stored; the message names its folder and the remedy."""


class PrelabelRoundError(BackendError):
    """A round of bulk pre-labels cannot begin or go on; the message says what was kept and what to do."""


class QueueRoundError(BackendError):
    """An order of a project's tasks cannot be made, followed or put back; the message says what to do."""


class AuditError(BackendError, ValueError):
    """An audit cannot be drawn or reported; the message says what to do first."""


class JobQueueError(BackendError):
    """The queue of jobs cannot be opened or reached; the message names the setting."""


class UnknownJobError(BackendError, LookupError):
    """There is no job of that number."""


class UnknownProjectError(BackendError, LookupError):
    """A project that Label Studio never announced; the message says what connects it."""


class JobLostError(BackendError, RuntimeError):
    """A job belongs to another worker by now; whoever gets this stops and leaves it alone."""


class JobCancelledError(BackendError, RuntimeError):
    """Somebody wants the running job to end; it passes through everything that the job does."""


class NoVersionBeforeError(BackendError, ValueError):
    """A project's trained version was to be rolled back, but none is in use."""


class BusyError(BackendError):
    """Too many requests wait for the device.

    Attributes:
        retry_after_s: Seconds after which another try makes sense.
    """

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


_STATUS: dict[type[MaskloopError], int] = {
    UnknownNameError: 400,
    OptionError: 400,
    PromptError: 400,
    ImageError: 400,
    WeightsNotFoundError: 503,
    WeightsError: 503,
    MissingExtraError: 503,
    RequestError: 400,
    BodyTooLargeError: 413,
    LabelConfigError: 400,
    NotAuthorizedError: 401,
    ImageAddressError: 403,
    ImageUnavailableError: 502,
    LabelStudioError: 502,
    NothingAnnotatedError: 409,
    DatabaseError: 503,
    JobQueueError: 503,
    UnknownJobError: 404,
    UnknownProjectError: 404,
    ModelStoreError: 503,
    NoVersionBeforeError: 409,
    BusyError: 503,
}


def http_status(error: MaskloopError) -> int:
    """The HTTP status that answers this error: its own class's, or its nearest ancestor's."""
    for cls in type(error).__mro__:
        if issubclass(cls, MaskloopError) and cls in _STATUS:
            return _STATUS[cls]
    return 500
