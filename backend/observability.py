"""Logs and metrics: configured and declared here, used by the services."""

from __future__ import annotations

import contextvars
import json
import logging
import sys
from datetime import datetime, timezone

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")
"""Identifies the HTTP request in every log line it causes."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0)


class _AddRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class _OneLine(logging.Formatter):
    """Text lines; line breaks in messages are escaped so that input cannot forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure_logging(level: str, *, as_json: bool) -> None:
    """Send all logs to standard error; called once, by `wsgi` and by scripts.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        as_json: One JSON object per line instead of text.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_AddRequestId())
    text = _OneLine("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")
    handler.setFormatter(_JsonLine() if as_json else text)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # logs every URL, signatures included


class Metrics:
    """The service's Prometheus metrics, one set per application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "maskloop_requests_total", "HTTP requests", ["endpoint", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "maskloop_request_seconds",
            "HTTP request, from routing to answer",
            ["endpoint"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.predict_seconds = Histogram(
            "maskloop_predict_seconds",
            "One model call on one picture",
            ["kind", "model"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.device_wait_seconds = Histogram(
            "maskloop_device_wait_seconds",
            "Waiting for a free compute slot",
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.device_refusals = Counter(
            "maskloop_device_refusals_total",
            "Computations refused because too many waited, or waited in vain",
            registry=self.registry,
        )
        self.cache_bytes = Gauge(
            "maskloop_cache_bytes",
            "Memory that a cache holds, as far as its limit counts",
            ["cache"],
            registry=self.registry,
        )
        self.cache_lookups = Counter(
            "maskloop_cache_lookups_total",
            "Look-ups of pictures, embeddings and earlier masks; a click finds one mask and misses one",
            ["cache", "outcome"],
            registry=self.registry,
        )
        self.coalesced = Counter(
            "maskloop_coalesced_total",
            "Predict requests answered by an identical one that was already running",
            registry=self.registry,
        )
        self.stale_clicks = Counter(
            "maskloop_stale_clicks_total",
            "Smart requests answered without a mask because a later click had arrived",
            registry=self.registry,
        )
        self.encoded_ahead = Counter(
            "maskloop_encoded_ahead_total",
            "Pictures of opened and next tasks by what became of encoding them before a click",
            ["outcome"],
            registry=self.registry,
        )
        self.skipped_tasks = Counter(
            "maskloop_skipped_tasks_total",
            "Tasks of a batch that could not be pre-labelled",
            ["error"],
            registry=self.registry,
        )
        self.events = Counter(
            "maskloop_events_total", "Webhook events stored", ["action"], registry=self.registry
        )
        self.models_loaded = Gauge(
            "maskloop_model_loaded", "Models in memory", ["kind", "version"], registry=self.registry
        )
        self.neighbours = Counter(
            "maskloop_neighbours_total",
            "Annotated neighbours in a sequence by what became of taking their objects over",
            ["outcome"],
            registry=self.registry,
        )
        self.unusable_versions = Counter(
            "maskloop_unusable_versions_total",
            "Times that a trained version could not be used and another one answered",
            registry=self.registry,
        )

    def cache_lookup(self, cache: str, hit: bool) -> None:
        """Count one look-up of the named cache."""
        self.cache_lookups.labels(cache, "hit" if hit else "miss").inc()
