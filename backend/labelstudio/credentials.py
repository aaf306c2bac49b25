"""How this service proves to Label Studio who it is.

Label Studio knows two kinds of key. A legacy token is sent as it is. A personal access token is a JWT that
must be exchanged for an access token, which lives five minutes. The SDK does that exchange too, but only
inside its client, without a margin before the end, and its import takes seconds.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from typing import Any, Protocol

import httpx

from backend.errors import LabelStudioError, SettingsError

_RENEW_BEFORE_END_S = 30.0
_EXCHANGE_TIMEOUT_S = 10.0
_NEW_KEY = "Create one in Label Studio under Account & Settings and set MASKLOOP_LABEL_STUDIO_API_KEY."


class Credentials(Protocol):
    """Whatever can sign a request to Label Studio; safe between threads."""

    def headers(self) -> dict[str, str]:
        """The headers to add.

        Raises:
            LabelStudioError: Label Studio does not accept the key, or cannot be reached.
        """


def credentials_from_key(key: str, label_studio_url: str) -> Credentials:
    """Credentials for a legacy token (40 hexadecimal digits) or a personal access token (a JWT).

    Args:
        key: As copied from Label Studio.
        label_studio_url: Where personal access tokens are exchanged.

    Raises:
        SettingsError: The key cannot be one.
    """
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key or not key:
        raise SettingsError(
            f"MASKLOOP_LABEL_STUDIO_API_KEY is not a key: copy it without line breaks. {_NEW_KEY}"
        )
    if key.count(".") != 2:
        return LegacyToken(key)
    if _claims(key).get("token_type") == "access":
        raise SettingsError(
            f"MASKLOOP_LABEL_STUDIO_API_KEY is an access token, which lives only five minutes. {_NEW_KEY}"
        )
    return PersonalAccessToken(key, label_studio_url)


class LegacyToken:
    """A key that is sent as it is. Label Studio 1.23 refuses these unless the organization allows them."""

    def __init__(self, key: str) -> None:
        self._key = key

    def headers(self) -> dict[str, str]:
        """The `Authorization` header."""
        return {"Authorization": f"Token {self._key}"}


class PersonalAccessToken:
    """Exchanges the key for access tokens and renews them before they end; one exchange at a time.

    The life of a token is taken from Label Studio's clock alone (end minus issue), so that a clock that is
    wrong here does no harm.
    """

    def __init__(self, key: str, label_studio_url: str) -> None:
        self._key = key
        self._url = f"{label_studio_url.rstrip('/')}/api/token/refresh/"
        self._lock = threading.Lock()
        self._access_token = ""
        self._renew_at = float("-inf")

    def headers(self) -> dict[str, str]:
        """The `Authorization` header.

        Raises:
            LabelStudioError: The exchange failed; the next call tries again.
        """
        with self._lock:
            asked_at = time.monotonic()
            if asked_at >= self._renew_at:
                self._access_token = self._exchange()
                self._renew_at = asked_at + _life_s(self._access_token) - _RENEW_BEFORE_END_S
            return {"Authorization": f"Bearer {self._access_token}"}

    def _exchange(self) -> str:
        try:
            answer = httpx.post(
                self._url, json={"refresh": self._key}, timeout=_EXCHANGE_TIMEOUT_S, trust_env=False
            )
        except httpx.HTTPError as error:
            raise LabelStudioError(
                f"Label Studio at {self._url} cannot be reached to renew the access token: {error}. "
                "Check MASKLOOP_LABEL_STUDIO_URL and that the server runs."
            ) from None
        if answer.status_code == 401:
            raise LabelStudioError(
                f"Label Studio refused the personal access token: it has ended or was revoked. {_NEW_KEY}",
                status=401,
            )
        token = _access_token(answer) if answer.status_code == 200 else None
        if token is None:
            raise LabelStudioError(
                f"Label Studio answered {answer.status_code} without an access token at {self._url}. "
                "Check that MASKLOOP_LABEL_STUDIO_URL is Label Studio's address, including its path if any.",
                status=answer.status_code,
            )
        return token


def _access_token(answer: httpx.Response) -> str | None:
    try:
        content = answer.json()
    except ValueError:
        return None
    token = content.get("access") if isinstance(content, dict) else None
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else None


def _life_s(access_token: str) -> float:
    """Seconds from issue to end; by this machine's clock if the token does not say when it was issued."""
    claims = _claims(access_token)
    end, issued = claims.get("exp"), claims.get("iat", time.time())
    return end - issued if isinstance(end, (int, float)) and isinstance(issued, (int, float)) else 0.0


def _claims(token: str) -> dict[str, Any]:
    """The content of a JWT, not verified: only its issuer could, and only it must. Empty if unreadable."""
    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
