"""A worker that only remembers what woke it."""

from pathlib import Path

from backend.state.job_queue import Handlers, JobQueue


class Woken:
    """Reads the queue in a file; `seen` has the messages."""

    def __init__(self, file: Path) -> None:
        self.seen: list[str] = []
        self.queue = JobQueue(
            None,
            file,
            Handlers(
                look=lambda project_id: self.seen.append(f"look {project_id}"),
                look_at_all=lambda: self.seen.append("look at all"),
                run=lambda: self.seen.append("run"),
                inspect=lambda project_id: self.seen.append(f"inspect {project_id}"),
            ),
        )
