"""A round of the queue after a training, if the project wants that."""

from __future__ import annotations

import logging
from collections.abc import Callable

from backend.errors import JobCancelledError
from backend.services.job_process import JobResult, ReportProgress
from backend.services.projects import ProjectOptions
from models.errors import MaskloopError

logger = logging.getLogger(__name__)

_STAGE = "ordering the tasks"
_DONE = 1.0


def ordered_after(
    result: JobResult, options: ProjectOptions, order: Callable[[ReportProgress], str], report: ReportProgress
) -> JobResult:
    """Order the project's tasks if the training led to a version that is used.

    The training is done by then: what goes wrong with the order is only said.

    Args:
        result: Of the training.
        options: What the project wants.
        order: Makes a round; returns what came of it, in a sentence.
        report: Told the progress; what it raises ends the job and passes through.
    """
    if not (options.select_after_fit and result.values.get("active")):
        return result
    report(_STAGE, _DONE)
    try:
        said = order(report)
    except JobCancelledError:
        raise
    except MaskloopError as error:
        logger.error("The tasks keep their order: %s", error)
        said = f"The tasks keep their order: {error}"
    return JobResult(f"{result.message} {said}", {**result.values, "queue": said})
