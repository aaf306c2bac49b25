"""What `/metrics` says about trainings. They happen in another process, so it is read from the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from backend.errors import DatabaseError
from backend.state.job_figures import JobFigures

logger = logging.getLogger(__name__)


class JobMetrics(Collector):
    """Figures about jobs, read whenever somebody asks. Safe between threads.

    Args:
        read: Reads the figures; while the database fails there are none, and all other metrics remain.
    """

    def __init__(self, read: Callable[[], JobFigures]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        try:
            figures = self._read()
        except DatabaseError as error:
            logger.error("%s", error)
            return
        by_state = GaugeMetricFamily("maskloop_jobs", "Trainings by where they stand", labels=["state"])
        for state, count in figures.by_state.items():
            by_state.add_metric([state], count)
        progress = GaugeMetricFamily(
            "maskloop_job_progress", "Share of the running training that is done", labels=["project"]
        )
        for project_id, share in figures.running.items():
            progress.add_metric([str(project_id)], share)
        waits = GaugeMetricFamily(
            "maskloop_job_oldest_queued_seconds",
            "Age of the training that waits longest; 0 if none waits",
            value=figures.oldest_waits_s,
        )
        took = SummaryMetricFamily(
            "maskloop_fit_seconds",
            "Trainings that came to an end, from their first start on",
            count_value=len(figures.seconds),
            sum_value=sum(figures.seconds),
        )
        yield from (by_state, progress, waits, took)
