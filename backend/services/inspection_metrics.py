"""What `/metrics` says about inspections. See `database_metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric, SummaryMetricFamily

from backend.services.database_metrics import DatabaseMetrics
from backend.state.inspections_due import InspectionFigures


class InspectionMetrics(DatabaseMetrics[InspectionFigures]):
    """Figures about inspections; see the base class."""

    def metrics(self, figures: InspectionFigures) -> Iterator[Metric]:
        """What the figures say; see the base class."""
        issues = CounterMetricFamily(
            "maskloop_issues", "Annotated pictures that a rule began to warn about", labels=["rule"]
        )
        for rule, count in sorted(figures.issues.items()):
            issues.add_metric([rule], count)
        took = SummaryMetricFamily(
            "maskloop_inspection_seconds",
            "Inspections after a submission, from its arrival to the warning",
            count_value=figures.looks,
            sum_value=figures.seconds,
        )
        yield from (issues, took)
