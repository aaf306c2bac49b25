"""What `/metrics` says about trainings. See `database_metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily

from backend.services.database_metrics import DatabaseMetrics
from backend.state.job_figures import JobFigures


class JobMetrics(DatabaseMetrics[JobFigures]):
    """Figures about jobs; see the base class."""

    def metrics(self, figures: JobFigures) -> Iterator[Metric]:
        """What the figures say; see the base class."""
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
