"""Which tasks come next in a project, asked so that it costs Label Studio little.

Only a window of task numbers is searched: without it Label Studio counts predictions and annotations of all
remaining tasks for every answer, seconds in a project with 100,000 of them.
"""

from __future__ import annotations

from backend.labelstudio.payloads import Task
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_listing import UNFINISHED, TaskFields, list_tasks, number_is, task_of

_WINDOW = 100
_TIMEOUT_S = 10.0


class TaskQueue:
    """Reads the order of work. Safe between threads.

    Args:
        api: Label Studio, as a user who may read the projects.
    """

    def __init__(self, api: LabelStudioApi) -> None:
        self._api = api

    def after(self, project_id: int, task_id: int, count: int) -> list[Task]:
        """The next tasks that nobody has finished, in order of their numbers.

        Args:
            project_id: The project.
            task_id: The task before them.
            count: How many at most.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        window = number_is("in", {"min": task_id + 1, "max": task_id + _WINDOW})
        listed = list_tasks(
            self._api,
            project_id,
            (window, UNFINISHED),
            TaskFields("id,data"),
            count=count,
            timeout_s=_TIMEOUT_S,
        )
        return [task_of(item, project_id) for item in listed][:count]
