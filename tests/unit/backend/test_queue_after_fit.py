"""After a training the tasks are ordered if the project wants it, and never at the training's cost."""

from __future__ import annotations

import pytest

from backend.errors import JobCancelledError, QueueRoundError
from backend.services.job_process import JobResult, ReportProgress
from backend.services.projects import ProjectOptions
from backend.services.queue_after_fit import ordered_after

WANTED = ProjectOptions("watershed", "clicknet", (), select_after_fit=True)
UNWANTED = ProjectOptions("watershed", "clicknet", ())
USED = JobResult("v is in use.", {"version": "v", "active": True})
REFUSED = JobResult("v is kept but not used.", {"version": "v", "active": False})


def ignore(stage: str, share: float) -> None:
    """Nobody looks at the progress."""


def order(report: ReportProgress) -> str:
    return "Ordered."


def test_a_version_that_is_used_orders_the_tasks() -> None:
    stages: list[tuple[str, float]] = []
    found = ordered_after(USED, WANTED, order, lambda *said: stages.append(said))
    assert found == JobResult("v is in use. Ordered.", {**USED.values, "queue": "Ordered."})
    assert stages == [("ordering the tasks", 1.0)]


@pytest.mark.parametrize(
    ("result", "options"),
    [
        (USED, UNWANTED),
        (REFUSED, WANTED),
        (JobResult("Nothing.", {"version": None, "active": False}), WANTED),
    ],
)
def test_otherwise_the_order_stays(result: JobResult, options: ProjectOptions) -> None:
    assert ordered_after(result, options, order, ignore) is result


def test_an_order_that_fails_leaves_the_training_as_it_is() -> None:
    def fail(report: ReportProgress) -> str:
        raise QueueRoundError("Another process orders project 1.")

    found = ordered_after(USED, WANTED, fail, ignore)
    assert found.values["active"] is True
    assert found.message == "v is in use. The tasks keep their order: Another process orders project 1."


def test_a_job_that_is_to_end_ends() -> None:
    def cancelled(report: ReportProgress) -> str:
        raise JobCancelledError("Job 1 is to end.")

    with pytest.raises(JobCancelledError):
        ordered_after(USED, WANTED, cancelled, ignore)
