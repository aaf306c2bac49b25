"""What is noted of every request: its id, its outcome and its time; never its body."""

import logging
import time
import uuid

from flask import Flask, Response, g, request

from backend.observability import Metrics, request_id

logger = logging.getLogger(__name__)


def install_request_log(app: Flask, metrics: Metrics) -> None:
    """Give each request an id, count it, time it, and log one line about it."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        request_id.set(uuid.uuid4().hex[:12])

    @app.after_request
    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        endpoint = request.endpoint or "unknown"
        metrics.requests.labels(endpoint, str(response.status_code)).inc()
        metrics.request_seconds.labels(endpoint).observe(seconds)
        quiet = endpoint in {"lifecycle.health", "lifecycle.setup", "metrics.expose"}
        logger.log(
            logging.DEBUG if quiet else logging.INFO,
            "%s %s %d %.0f ms",
            request.method,
            request.path,
            response.status_code,
            seconds * 1000,
        )
        response.headers["X-Request-ID"] = request_id.get()
        return response
