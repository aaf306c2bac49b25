"""What inspection found out, said in Label Studio."""

from __future__ import annotations

from datetime import datetime, timezone

from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_reports import (
    FIELD,
    KEY,
    delete_warnings_tab,
    make_report,
    put_warnings_tab,
    reported_tasks,
    same_report,
    warning_text,
    write_report,
)
from backend.services.inspection_verdicts import TaskVerdict


class TaskWarnings:
    """The warnings of one project. Used by one thread.

    Args:
        api: Label Studio, as a user who may change the project's tasks.
        project_id: The project.
        with_text: Whether its labelling config shows people a sentence.
        version: Of the trained version that was asked; "" for none.

    Raises:
        LabelStudioError: By every method, when Label Studio refuses, fails, or cannot be reached.
    """

    def __init__(self, api: LabelStudioApi, project_id: int, *, with_text: bool, version: str) -> None:
        self._api = api
        self._project_id = project_id
        self._with_text = with_text
        self._version = version
        self._has_tab = False

    def write(self, task_id: int, verdict: TaskVerdict) -> bool:
        """Say what is doubtful about a task, and nothing else.

        Returns:
            Whether the task had to be changed.
        """
        report, text = self._said(verdict)
        changed = write_report(self._api, self._project_id, task_id, report, text)
        if report is not None and not self._has_tab:
            put_warnings_tab(self._api, self._project_id, with_text=self._with_text)
            self._has_tab = True
        return changed

    def out_of_date(self, verdicts: dict[int, TaskVerdict]) -> dict[int, TaskVerdict]:
        """The tasks that do not say what they should.

        Args:
            verdicts: About all tasks with annotations; nothing is doubtful about the others.
        """
        there = reported_tasks(self._api, self._project_id)
        wanted = {number: each for number, each in verdicts.items() if each.issues or number in there}
        wanted |= {number: TaskVerdict() for number in there if number not in verdicts}
        found = {}
        for number, verdict in sorted(wanted.items()):
            report, text = self._said(verdict)
            task = there.get(number)
            meta, data = ({}, {}) if task is None else (task.meta, task.data)
            if not same_report(meta.get(KEY), report) or (data.get(FIELD) or "") != text:
                found[number] = verdict
        return found

    def remove_tab(self) -> None:
        """Take the tab away."""
        delete_warnings_tab(self._api, self._project_id)

    def _said(self, verdict: TaskVerdict) -> tuple[dict[str, object] | None, str]:
        if not verdict.issues:
            return None, ""
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        report = make_report(verdict.severity, verdict.issues, version=self._version, at=at)
        return report, warning_text(verdict.severity, verdict.issues) if self._with_text else ""
