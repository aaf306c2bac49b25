"""The one shape of every error answer: `{"error": <class>, "detail": <message>}`.

Label Studio does not show the body of a failed call, but it shows the reason phrase of the status line (when
a model is added, and in the server's log after a click), so the message is sent there as well.
"""

import logging

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from backend.errors import BodyTooLargeError, BusyError, NotAuthorizedError, http_status
from models.errors import MaskloopError

logger = logging.getLogger(__name__)

_REASON_LENGTH = 160


def install_error_handlers(app: Flask) -> None:
    """Answer every failure of the application in the same shape; no traceback leaves the process."""
    app.register_error_handler(MaskloopError, _answer_own)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unforeseen)


def _answer(status: int, name: str, detail: str) -> Response:
    response = jsonify({"error": name, "detail": detail})
    printable = "".join(c if " " <= c <= "~" else "?" for c in detail)
    response.status = f"{status} {printable[:_REASON_LENGTH]}"
    return response


def _answer_own(error: Exception) -> Response:
    if not isinstance(error, MaskloopError):
        return _answer_unforeseen(error)
    status = http_status(error)
    logger.log(logging.ERROR if status >= 500 else logging.WARNING, "%s: %s", type(error).__name__, error)
    response = _answer(status, type(error).__name__, str(error))
    if isinstance(error, BusyError):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, NotAuthorizedError):
        response.headers["WWW-Authenticate"] = 'Basic realm="maskloop"'
    return response


def _answer_http(error: Exception) -> Response:
    if isinstance(error, RequestEntityTooLarge):
        return _answer_own(
            BodyTooLargeError(
                "The request body is larger than allowed; raise MASKLOOP_MAX_BODY_BYTES if it is meant."
            )
        )
    if isinstance(error, HTTPException) and error.code is not None:
        response = _answer(error.code, type(error).__name__, error.description or error.name)
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response
    return _answer_unforeseen(error)


def _answer_unforeseen(error: Exception) -> Response:
    logger.error("Unforeseen error", exc_info=error)
    return _answer(500, "InternalError", "Something went wrong here; the service's log says what.")
