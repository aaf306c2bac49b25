"""Basic authentication of every endpoint but `/health`."""

import hmac
from collections.abc import Callable

from flask import request

from backend.errors import NotAuthorizedError

OPEN_ENDPOINTS = frozenset({"lifecycle.health"})


def require_basic_auth(user: str, password: str) -> Callable[[], None]:
    """Return a `before_request` function that demands these credentials.

    Compared in constant time, as bytes, so that neither characters nor length can be guessed by timing.
    """

    def check() -> None:
        if request.endpoint in OPEN_ENDPOINTS:
            return
        given = request.authorization
        given_user = (given.username or "") if given is not None and given.type == "basic" else ""
        given_password = (given.password or "") if given is not None and given.type == "basic" else ""
        user_matches = hmac.compare_digest(given_user.encode(), user.encode())
        password_matches = hmac.compare_digest(given_password.encode(), password.encode())
        if not (user_matches and password_matches):
            raise NotAuthorizedError("This server wants a user and password (basic authentication).")

    return check
