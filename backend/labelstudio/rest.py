"""Calls to Label Studio's REST API without its SDK.

The SDK's import takes seconds, and its listings read too much.
"""

from __future__ import annotations

from typing import Any

import httpx

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import Credentials

_TIMEOUT_S = 60.0
_NOT_KEPT = httpx.Limits(max_keepalive_connections=0)
"""Label Studio's own server answers 40 ms later on a kept connection: a delayed acknowledgement."""


class LabelStudioApi:
    """Calls as one user. Safe between threads; each call is a connection of its own.

    Args:
        url: Where this service reaches Label Studio.
        credentials: Of that user.
        transport: Makes the connections; real ones by default.
    """

    def __init__(
        self, url: str, credentials: Credentials, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._http = httpx.Client(transport=transport, trust_env=False, limits=_NOT_KEPT)

    def call(
        self, method: str, path: str, what: str, *, timeout_s: float = _TIMEOUT_S, **arguments: Any
    ) -> Any:
        """Make one call.

        Args:
            method: HTTP method.
            path: Below the address of Label Studio.
            what: What it does, for the message: "list tasks of project 3".
            timeout_s: For the answer.
            arguments: As for `httpx.request`: `params`, and `json` or, encoded already, `content`.

        Returns:
            The JSON answer, None if it is empty.

        Raises:
            LabelStudioError: Label Studio refused, failed, cannot be reached, or answered no JSON.
        """
        try:
            answer = self._http.request(
                method,
                f"{self._url}{path}",
                headers={"Content-Type": "application/json"} | self._credentials.headers(),
                timeout=timeout_s,
                **arguments,
            )
        except httpx.HTTPError as error:
            raise LabelStudioError(
                f"Label Studio at {self._url} cannot be reached to {what}: {error}. "
                "Check the address and that the server runs."
            ) from None
        body = _json(answer)
        if not answer.is_success:
            shown = answer.text if body is None else body
            raise LabelStudioError(
                f"Label Studio at {self._url} would not {what}: {refusal(answer.status_code, shown)}",
                status=answer.status_code,
            )
        if body is None and answer.content:
            raise LabelStudioError(f"Label Studio at {self._url} answered no JSON when asked to {what}.")
        return body


def refusal(status: int | None, body: object) -> str:
    """What Label Studio says, and what to do about the common refusals.

    Args:
        status: HTTP status of its answer.
        body: The answer's JSON, or its text.
    """
    fields = body if isinstance(body, dict) else {"detail": str(body)}
    problems = fields.get("validation_errors")
    detail = str(problems or fields.get("detail") or "no reason given")[:600]
    return f"{status}: {detail}{_HINTS.get(status or 0, '')}"


def _json(answer: httpx.Response) -> Any:
    """The content, None if it is empty or no JSON."""
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return None


_HINTS = {
    401: " Check the API key; legacy tokens must be enabled in the organization's settings.",
    404: " Check the project's number, and that the key's user is a member.",
}
