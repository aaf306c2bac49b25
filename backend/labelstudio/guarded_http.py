"""HTTP GET for addresses that somebody else wrote: bounded in time, bytes, redirects and reach.

No proxies, and none from the environment either: a proxy would resolve names itself, behind the guard's back.
Certificate authorities of one's own are named by SSL_CERT_FILE, as OpenSSL reads it.
"""

from __future__ import annotations

import functools
import ssl
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpcore
import httpx
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from backend.errors import ImageUnavailableError
from backend.labelstudio.network_guard import Deadline, GuardedNetwork, Resolve, system_resolve
from models.errors import ImageError

MAX_REDIRECTS = 5
_ATTEMPTS = 3
_TEMPORARY = frozenset({502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_CONNECTIONS = 32  # twice the default number of threads: each fetches one picture at a time
_KEEP_ALIVE_S = 15.0


@dataclass(frozen=True)
class Answer:
    """The answer at the end of all redirects.

    Attributes:
        url: What gave it.
        status: HTTP status.
        body: Content, read only with status 200.
        location: Where a redirect points, None without one.
    """

    url: httpx.URL
    status: int
    body: bytes
    location: str | None


class GuardedHttp:
    """Fetches with connections kept alive, as long as itself; shared by all threads.

    Args:
        is_trusted: Whether the operator vouched for a URL's host, so that its address may be private. Such
            hosts and all others never share a connection.
        max_bytes: Largest body.
        timeout_s: For one `get`: names, connections, redirects, retries and the body.
        resolve: Finds the addresses of a name.
        network: Makes the connections to numeric addresses.
    """

    def __init__(
        self,
        *,
        is_trusted: Callable[[httpx.URL], bool],
        max_bytes: int,
        timeout_s: float,
        resolve: Resolve = system_resolve,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._is_trusted = is_trusted
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._deadline = Deadline()
        self._trusted, self._public = (
            httpcore.ConnectionPool(
                ssl_context=_tls_context(),
                max_connections=_MAX_CONNECTIONS,
                keepalive_expiry=_KEEP_ALIVE_S,
                network_backend=GuardedNetwork(
                    self._deadline,
                    public_only=public_only,
                    resolve=resolve,
                    network=network or httpcore.SyncBackend(),
                ),
            )
            for public_only in (False, True)
        )
        for pool in (self._trusted, self._public):
            weakref.finalize(self, pool.close)

    def get(
        self, url: httpx.URL, headers: Mapping[str, str], *, check_redirect: Callable[[httpx.URL], None]
    ) -> Answer:
        """Fetch a URL. Broken connections and statuses 502, 503 and 504 are tried three times in all.

        Args:
            url: With scheme http or https.
            headers: Sent with the first request only, never to where it redirects.
            check_redirect: Raises if a redirect must not be followed to this URL.

        Returns:
            The last answer, whatever its status, but no redirect.

        Raises:
            ImageError: The body is larger than allowed.
            ImageAddressError: The host has a private address, or `check_redirect` said so.
            ImageUnavailableError: No connection, too slow, not HTTP, or too many redirects.
        """
        retrying = Retrying(
            retry=retry_if_exception_type((httpcore.NetworkError, httpcore.RemoteProtocolError))
            | retry_if_result(lambda answer: answer.status in _TEMPORARY),
            stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(self._timeout_s),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            # Hand out the last attempt's answer or error; there is one after every attempt.
            retry_error_callback=lambda state: state.outcome.result(),  # type: ignore[union-attr]
        )
        with self._deadline.within(self._timeout_s):
            try:
                return retrying(self._follow, url, headers, check_redirect)
            except httpcore.TimeoutException:
                raise ImageUnavailableError(
                    f"{shown(url)} took longer than {self._timeout_s:g} s (MASKLOOP_IMAGE_TIMEOUT_S)."
                ) from None
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                raise ImageUnavailableError(f"{shown(url)} cannot be reached: {error}.") from None

    def _follow(
        self, url: httpx.URL, headers: Mapping[str, str], check_redirect: Callable[[httpx.URL], None]
    ) -> Answer:
        answer = self._request(url, headers)
        for _ in range(MAX_REDIRECTS):
            if answer.location is None:
                return answer
            try:
                target = answer.url.join(answer.location)
            except httpx.InvalidURL as error:
                raise ImageUnavailableError(f"{shown(url)} redirects to no address: {error}.") from None
            check_redirect(target)
            answer = self._request(target, {})
        if answer.location is not None:
            raise ImageUnavailableError(f"{shown(url)} redirects more than {MAX_REDIRECTS} times.")
        return answer

    def _request(self, url: httpx.URL, headers: Mapping[str, str]) -> Answer:
        pool = self._trusted if self._is_trusted(url) else self._public
        sent: list[tuple[bytes | str, bytes | str]] = [
            ("Host", url.netloc),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            *headers.items(),
        ]
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        limits = {"timeout": {"pool": self._deadline.remaining()}}
        with pool.stream("GET", target, headers=sent, extensions=limits) as response:
            received = {name.lower(): value for name, value in response.headers}
            location = received.get(b"location") if response.status in _REDIRECTS else None
            body = self._read(response, received, url) if response.status == 200 else b""
        return Answer(url, response.status, body, None if location is None else location.decode("latin-1"))

    def _read(self, response: httpcore.Response, headers: Mapping[bytes, bytes], url: httpx.URL) -> bytes:
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
        if encoding.lower() != "identity":
            raise ImageUnavailableError(
                f"{shown(url)} answered with content encoding {encoding!r} although asked not to compress."
            )
        announced = headers.get(b"content-length", b"0")
        body = bytearray()
        too_large = int(announced) > self._max_bytes
        if not too_large:
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > self._max_bytes:
                    too_large = True
                    break
        if too_large:
            raise ImageError(
                f"{shown(url)} has more than {self._max_bytes} bytes (MASKLOOP_MAX_IMAGE_BYTES)."
            )
        return bytes(body)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Verifies certificates and names; made once, since reading all authorities takes 30 to 100 ms."""
    return httpcore.default_ssl_context()


def shown(url: httpx.URL) -> str:
    """A URL for messages and logs: no query, which may hold a signature, and no user."""
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))
