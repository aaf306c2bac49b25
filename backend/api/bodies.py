"""JSON bodies: read once, bounded, without the constants that JSON does not have."""

import json

from flask import request

from backend.errors import RequestError


def _refuse_constant(text: str) -> float:
    raise RequestError(f"The body is not JSON: it contains {text}.")


def json_body() -> object:
    """Parse the request's body.

    Raises:
        RequestError: The body is not JSON.
        werkzeug.exceptions.RequestEntityTooLarge: The body is larger than `MAX_CONTENT_LENGTH`.
    """
    data = request.get_data(cache=False)
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except RecursionError:
        raise RequestError("The body is nested too deeply.") from None
    except RequestError:
        raise
    except ValueError as error:
        raise RequestError(f"The body is not JSON: {error}.") from None
