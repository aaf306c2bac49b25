"""A submission becomes a warning: the real service, a real worker, the real rules; Label Studio is a fake."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from backend.app import create_app
from backend.labelstudio.task_reports import FIELD, KEY
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.inspections_due import InspectionsDue
from backend.state.jobs import JobStore
from backend.state.project_store import ProjectStore, StoredProject
from scripts.child_process import clean_environment
from tests.fakes.bulk_label_studio import KEY as API_KEY
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.inspected_tasks import ADDRESS, XML, annotation, brush, spotted, write_picture

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 120.0


class Site:
    """A Label Studio with two annotated tasks, the service that it tells, and the folder of its state."""

    def __init__(self, studio: BulkLabelStudio, client: FlaskClient, environment: dict[str, str]) -> None:
        self.studio = studio
        self.client = client
        self.environment = environment
        self.engine = open_database(f"sqlite:///{environment['MASKLOOP_STATE_DIR']}/maskloop.sqlite3")

    def submit(self, number: int, result: list[dict[str, Any]], action: str = "ANNOTATION_CREATED") -> None:
        """Store an annotation and tell the service, as Label Studio does."""
        made = annotation(10 * number, result, 1, task=number, lead_time=20)
        self.studio.annotations[number] = [made]
        told = {"action": action, "project": {"id": 1}, "task": {"id": number}, "annotation": made}
        assert self.client.post("/webhook", json=told).status_code == 201

    def is_warned(self, number: int) -> bool:
        return KEY in self.studio.meta.get(number, {}) and bool(self.studio.tasks[number][FIELD])

    @contextmanager
    def worker(self, folder: Path, kind: str = "quick", *steps: str) -> Iterator[None]:
        command = [sys.executable, "-m", "tests.fakes.worker_main", kind, str(folder), *steps]
        environment = clean_environment("MASKLOOP_") | self.environment
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE)
        try:
            yield
        finally:
            process.kill()
            process.wait(20)
            assert process.stdin is not None
            process.stdin.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    studio = BulkLabelStudio(
        XML, {number: {"image": ADDRESS, FIELD: ""} for number in (1, 2)}, finished={1, 2}
    )
    write_picture(tmp_path / "files")
    with studio.connected(tmp_path / "files", tmp_path / "state") as environment:
        settings = Settings(
            state_dir=tmp_path / "state",
            label_studio_url=environment["MASKLOOP_LABEL_STUDIO_URL"],
            label_studio_api_key=SecretStr(API_KEY),
            local_files_root=tmp_path / "files",
        )
        yield Site(studio, create_app(settings).test_client(), environment)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_doubtful_submission_is_warned_about_and_its_correction_clears_it(
    site: Site, tmp_path: Path
) -> None:
    with site.worker(tmp_path):
        site.submit(1, brush())
        site.submit(2, brush(spotted()))
        eventually(lambda: site.is_warned(2))
        assert not site.is_warned(1)
        site.submit(2, brush(), "ANNOTATION_UPDATED")
        eventually(lambda: InspectionsDue(site.engine).figures().looks == 3)
    assert not site.is_warned(2)
    assert InspectionsDue(site.engine).figures().issues["holes"] == 1
    metrics = site.client.get("/metrics").text
    assert 'maskloop_issues_total{rule="holes"} 1.0' in metrics
    assert "maskloop_inspection_seconds_count 3.0" in metrics


def test_a_training_does_not_hold_up_an_inspection(site: Site, tmp_path: Path) -> None:
    with site.worker(tmp_path, "deaf"):
        jobs = JobStore(site.engine)
        jobs.queue(1, "asked")
        eventually(lambda: bool(jobs.in_state("running")))
        site.submit(2, brush(spotted()))
        eventually(lambda: site.is_warned(2))
        assert jobs.in_state("running")


def test_what_was_submitted_without_a_worker_is_inspected_by_the_next(site: Site, tmp_path: Path) -> None:
    site.submit(2, brush(spotted()))
    with site.worker(tmp_path):
        eventually(lambda: site.is_warned(2))


def test_a_project_that_wants_no_inspection_has_none(site: Site, tmp_path: Path) -> None:
    ProjectStore(site.engine).save("1.5", StoredProject(XML, {"inspect": False}))
    site.submit(2, brush(spotted()))
    with site.worker(tmp_path):
        eventually(lambda: not InspectionsDue(site.engine).projects())
    assert site.studio.writes == []
