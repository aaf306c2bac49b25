from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from backend.settings import Settings
from backend.state.database import open_database
from backend.state.jobs import JobStore


def figures(client: FlaskClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        if name.startswith(("maskloop_job", "maskloop_fit"))
    }


def test_metrics_say_how_trainings_stand_in_whatever_process(
    client: FlaskClient, app: Flask, settings: Settings
) -> None:
    jobs = JobStore(open_database(settings.resolved_database_url))
    assert figures(client)['maskloop_jobs{state="queued"}'] == 0
    for project_id in (7, 8, 9):
        jobs.queue(project_id, "asked")
    first = jobs.take()
    assert first is not None
    jobs.finish(first, "done", "")
    second = jobs.take()
    assert second is not None
    jobs.beat(second, "learning", 0.25)
    found = figures(client)
    assert found['maskloop_jobs{state="done"}'] == 1
    assert found['maskloop_jobs{state="running"}'] == 1
    assert found['maskloop_jobs{state="queued"}'] == 1
    assert found['maskloop_job_progress{project="8"}'] == 0.25
    assert 0 < found["maskloop_job_oldest_queued_seconds"] < 60
    assert found["maskloop_fit_seconds_count"] == 1
    assert 0 <= found["maskloop_fit_seconds_sum"] < 60


def test_other_metrics_remain_when_the_database_fails(
    client: FlaskClient, settings: Settings, tmp_path: Path
) -> None:
    with open_database(settings.resolved_database_url).begin() as connection:
        connection.execute(text("DROP TABLE jobs"))
    assert "maskloop_requests_total" in client.get("/metrics").text
    assert figures(client) == {}
