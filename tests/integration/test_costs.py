"""The costs of a project as its user asks for them; only Label Studio is a fake."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from backend.labelstudio.automatic_annotations import automatic_annotation
from backend.settings import Settings
from backend.state.click_log import ClickLog, ClickRecord
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from models.prompts import Click, Prompts
from scripts.costs import main
from tests.fakes.bulk_label_studio import KEY, BulkLabelStudio
from tests.fakes.commands import invoke
from tests.fakes.requests import CONFIG
from tests.fakes.versions import facts, trained_files

CLICKS = ClickRecord(
    at=datetime.now(timezone.utc),
    project_id=1,
    task_id=1,
    to_name="image",
    label=None,
    prompt_ids=("a", "b", "c"),
    prompts=Prompts((Click(1, 2),)),
    refined=False,
    area=5,
    overlap=None,
    latency_ms=1.0,
    model_version="graphcut-1",
)


def test_a_project_is_measured_and_what_is_given_wins(tmp_path: Path) -> None:
    studio = BulkLabelStudio(CONFIG, {number: {"image": "/a.png"} for number in range(1, 21)})
    studio.annotations = {
        1: [{"id": 1, "result": [], "lead_time": 120.0, "parent_prediction": None}],
        2: [{"id": 2, "result": [], "lead_time": 30.0, "parent_prediction": 7}],
        3: [{"id": 3, **automatic_annotation([], "unet-p1-1-00000000", 8)}],
        4: [{"id": 4, "result": [], "lead_time": 9.0, "was_cancelled": True}],
    }
    studio.finished = {1, 2, 3, 4}
    settings = Settings(state_dir=tmp_path / "state")
    log = ClickLog(open_database(settings.resolved_database_url), keep_days=90)
    log.add(CLICKS)
    log.close()
    store = ModelStore(settings.versions_dir)
    for n_labels in (8, 16, 32, 64):
        figures = {"score": 0.9 - n_labels**-0.5, "examples": 10}
        gate = {"passed": True, "figures": figures}
        learned = tuple(str(number) for number in range(n_labels))
        known = replace(facts(), gate=gate, trained_on=learned)
        store.publish(1, trained_files(tmp_path / "job", str(n_labels)), known)

    with studio.serve() as url:
        environment = {
            "MASKLOOP_LABEL_STUDIO_URL": url,
            "MASKLOOP_LABEL_STUDIO_API_KEY": KEY,
            "MASKLOOP_STATE_DIR": str(tmp_path / "state"),
            "COLUMNS": "160",
        }
        arguments = ["--project", "1", "--labellers", "1", "--minutes", "3"]
        plain = invoke(main, *arguments, env=environment)
        said = json.loads(invoke(main, *arguments, "--json", env=environment).stdout)

    measured = said["measured"]
    assert (measured["tasks"], measured["labelled"], measured["automatic"]) == (20, 2, 1)
    assert (measured["minutes"], measured["assisted_minutes"], measured["clicks"]) == (2, 0.5, 3)
    assert measured["automation_share"] == pytest.approx(0.9)
    assert measured["labels_that_are_enough"] == pytest.approx((1 / 0.045) ** 2, rel=0.01)
    assert said["by_hand"]["hours"] == pytest.approx(20 * 3 / 60)
    assert said["assisted"]["labelling_hours"] == pytest.approx(2 * 0.5 / 60)
    for line in ("Share that people did not label: 90.0%", "Median from nothing: 2.00 min", "494 annotated"):
        assert line in plain.output
