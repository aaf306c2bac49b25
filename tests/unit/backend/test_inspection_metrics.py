"""What is said about inspections to whoever watches the service."""

from prometheus_client import CollectorRegistry, generate_latest

from backend.errors import DatabaseError
from backend.services.inspection_metrics import InspectionMetrics
from backend.state.inspections_due import InspectionFigures


def failing() -> InspectionFigures:
    raise DatabaseError("It is gone.")


def test_issues_are_counted_by_rule_and_inspections_timed() -> None:
    registry = CollectorRegistry()
    registry.register(InspectionMetrics(lambda: InspectionFigures({"holes": 2, "off-edge": 1}, 4, 2.5)))
    said = generate_latest(registry).decode()
    assert 'maskloop_issues_total{rule="holes"} 2.0' in said
    assert 'maskloop_issues_total{rule="off-edge"} 1.0' in said
    assert "maskloop_inspection_seconds_count 4.0" in said
    assert "maskloop_inspection_seconds_sum 2.5" in said


def test_without_a_database_there_are_no_figures_and_no_failure() -> None:
    registry = CollectorRegistry()
    registry.register(InspectionMetrics(failing))
    assert generate_latest(registry) == b""
