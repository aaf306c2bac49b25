"""How many tasks a project has."""

from __future__ import annotations

from backend.errors import LabelStudioError
from backend.labelstudio.rest import LabelStudioApi


def task_count(api: LabelStudioApi, project_id: int) -> int:
    """Number of the project's tasks.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    answer = api.call("GET", f"/api/projects/{project_id}", f"read project {project_id}")
    count = answer.get("task_number") if isinstance(answer, dict) else None
    if type(count) is not int:
        raise LabelStudioError(f"Label Studio did not say how many tasks project {project_id} has.")
    return count
