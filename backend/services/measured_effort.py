"""What people have done in a project so far, read from Label Studio and from the click log."""

from __future__ import annotations

from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.submissions import AnnotatedTask
from backend.labelstudio.task_counts import task_count
from backend.services.costs import LabelledTask, MeasuredCosts, measured_costs
from backend.state.click_log import ClickLog


def measured_effort(api: LabelStudioApi, clicks: ClickLog, project_id: int) -> MeasuredCosts:
    """Read the lead times and prompts of a project.

    Args:
        api: Label Studio.
        clicks: The click log.
        project_id: The project.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
        DatabaseError: The click log cannot be read.
    """
    annotated = [_labelled(task) for task in AnnotatedTasks(api, content=False).tasks(project_id)]
    prompts = list(clicks.prompts_by_task(project_id).values())
    return measured_costs(task_count(api, project_id), [task for task in annotated if task], prompts)


def _labelled(task: AnnotatedTask) -> LabelledTask | None:
    """None for a task that was only skipped."""
    submitted = [each for each in task.annotations if not each.cancelled]
    if not submitted:
        return None
    own = [each for each in submitted if not each.automatic]
    times = [
        (each.lead_time_s, each.prediction_id is not None) for each in own if each.lead_time_s is not None
    ]
    return LabelledTask(times, automatic=not own)
