"""The service's errors, and the HTTP status of every error class.

MaskloopError                                 models/errors.py
├── UnknownNameError, PromptError, ImageError 400
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
    ├── DatabaseError                         503  the state cannot be read or written
    ├── ModelStoreError                       503  a trained version is damaged, or cannot be stored
    └── BusyError                             503  too many requests wait; carries Retry-After

Catch `MaskloopError` to answer anything this project raises on purpose, a leaf to recover from one cause.
"""

from __future__ import annotations

from models.errors import (
    ImageError,
    MaskloopError,
    MissingExtraError,
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


class DatabaseError(BackendError):
    """The service's own state cannot be read or written."""

    @classmethod
    def while_doing(cls, what: str, error: Exception) -> DatabaseError:
        """Describe a driver's error without the statement and its values."""
        return cls(f"The database failed while {what}: {getattr(error, 'orig', error)}")


class ModelStoreError(BackendError):
    """A trained version is damaged or cannot be stored; the message names its folder and the remedy."""


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
    DatabaseError: 503,
    ModelStoreError: 503,
    BusyError: 503,
}


def http_status(error: MaskloopError) -> int:
    """The HTTP status that answers this error: its own class's, or its nearest ancestor's."""
    for cls in type(error).__mro__:
        if issubclass(cls, MaskloopError) and cls in _STATUS:
            return _STATUS[cls]
    return 500
