"""Requests to a running service as Label Studio makes them: each over a new connection."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Callable

import httpx

from scripts.errors import ServiceAnswerError, StartError

_POLL_S = 0.05


class ServiceClient:
    """One service. Holds no connection, so threads may share it.

    Args:
        url: Where it is, such as http://127.0.0.1:9090; http://user:password@... for basic auth.
        timeout_s: For each answer; Label Studio waits 100 s for a prediction.
    """

    def __init__(self, url: str, timeout_s: float = 100.0) -> None:
        parsed = httpx.URL(url)
        secure = parsed.scheme == "https"
        self._connection = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._host, self._port = parsed.host, parsed.port
        self._prefix = parsed.path.rstrip("/")
        self._timeout_s = timeout_s
        self._headers = {"Content-Type": "application/json"}
        if parsed.userinfo:
            secret = f"{parsed.username}:{parsed.password}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Make one request.

        Returns:
            Status and body of the answer.

        Raises:
            OSError: The service cannot be reached, or did not answer in time.
        """
        connection = self._connection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, self._prefix + path, body, self._headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def post(self, path: str, body: bytes) -> bytes:
        """Make one request that must succeed.

        Raises:
            ServiceAnswerError: It could not be made, or the answer is no success.
        """
        try:
            status, answer = self.send("POST", path, body)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise ServiceAnswerError(f"{self._host}:{self._port} did not answer {path}: {reason}.") from error
        if not 200 <= status < 300:
            raise ServiceAnswerError(f"{path} answered {status}: {answer[:300]!r}")
        return answer

    def wait_until_ready(self, timeout_s: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Wait until the service has loaded its models.

        Args:
            timeout_s: Longest wait.
            alive: Whether it still makes sense to wait.

        Raises:
            StartError: It is not ready in time, or not alive.
        """
        deadline = time.monotonic() + timeout_s
        last = "nothing listens"
        while time.monotonic() < deadline and alive():
            try:
                status, answer = self.send("GET", "/ready")
            except (OSError, http.client.HTTPException):
                pass  # not listening yet
            else:
                if status == 200:
                    return
                last = f"/ready answers {status}: {answer[:300]!r}"
            time.sleep(_POLL_S)
        what = f"is not ready after {timeout_s:.0f} s" if alive() else "ended"
        raise StartError(f"The service at {self._host}:{self._port} {what}; {last}.")
