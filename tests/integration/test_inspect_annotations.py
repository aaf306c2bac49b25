"""The inspection command as its user runs it: again, stopped, undone, misused."""

from __future__ import annotations

import base64
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import Result

from backend.labelstudio.task_reports import FIELD, KEY, TAB
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.inspections import Inspections
from backend.state.model_store import ModelStore
from backend.state.one_at_a_time import one_at_a_time
from models.label_schema import LabelSchema
from scripts.child_process import clean_environment
from scripts.inspect_annotations import main
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.commands import invoke
from tests.fakes.inspected_tasks import ADDRESS, XML, annotation, brush, disc, spotted, write_picture
from tests.fakes.random_unet import write_random_unet
from tests.fakes.versions import facts

ROOT = Path(__file__).resolve().parents[2]
N_TASKS, BAD, UNREADABLE = 6, 4, 5
_PATIENCE_S = 120.0


@pytest.fixture
def studio() -> BulkLabelStudio:
    """Six annotated tasks, of which one has a disc with holes that nobody meant."""
    numbers = range(1, N_TASKS + 1)
    return BulkLabelStudio(
        XML,
        {number: {"image": ADDRESS, "title": f"T{number}", FIELD: ""} for number in numbers},
        meta={BAD: {"patient": 7}},
        finished=set(numbers),
        annotations={number: [submitted(number, bad=number == BAD)] for number in numbers},
    )


@pytest.fixture
def environment(studio: BulkLabelStudio, tmp_path: Path) -> Iterator[dict[str, str]]:
    write_picture(tmp_path / "files")
    with studio.connected(tmp_path / "files", tmp_path / "state") as settings:
        yield settings


def submitted(number: int, *, bad: bool = False) -> dict[str, Any]:
    return annotation(100 + number, brush(spotted()) if bad else brush(), 1, task=number, lead_time=20)


def run(environment: dict[str, str], *arguments: str, project: int = 1) -> Result:
    """The command within this process."""
    return invoke(main, "--project", str(project), *arguments, env=environment)


def inspections(environment: dict[str, str]) -> Inspections:
    return Inspections(open_database(f"sqlite:///{environment['MASKLOOP_STATE_DIR']}/maskloop.sqlite3"))


def titles(studio: BulkLabelStudio) -> list[str]:
    return [tab["title"] for tab in studio.tabs.values()]


def test_a_doubtful_task_says_so_and_nothing_else_is_changed(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    result = run(environment, "--rules", "holes")
    assert result.exit_code == 0, result.output
    assert "Annotated pictures: 6, looked at now: 6." in result.output
    assert "Tasks with a warning: 1 of 6." in result.output
    report = studio.meta[BAD][KEY]
    (issue,) = report["issues"]
    assert (issue["annotation"], issue["rule"], issue["region_ids"]) == (100 + BAD, "holes", ["r1"])
    assert studio.meta == {BAD: {"patient": 7, KEY: report}}
    text = studio.tasks[BAD].pop(FIELD)
    assert text == f"{report['severity']:.2f} {issue['message']}"
    assert studio.tasks[BAD] == {"image": ADDRESS, "title": f"T{BAD}"}
    assert all(studio.tasks[number][FIELD] == "" for number in studio.tasks if number != BAD)
    assert studio.annotations[BAD] == [submitted(BAD, bad=True)]
    assert TAB in titles(studio)


def test_doing_it_again_looks_at_nothing_and_writes_nothing(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment)
    before = list(studio.writes)
    again = run(environment)
    assert "looked at now: 0." in again.output
    assert "Tasks whose warnings were changed: 0" in again.output
    assert studio.writes == before


def test_a_corrected_annotation_loses_its_warning_and_only_it_is_looked_at(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment, "--rules", "holes")
    studio.annotations[BAD] = [submitted(BAD)]
    again = run(environment, "--rules", "holes")
    assert "looked at now: 1." in again.output
    assert studio.meta[BAD] == {"patient": 7}
    assert studio.tasks[BAD][FIELD] == ""


def test_a_task_whose_annotations_were_deleted_has_no_warning(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment)
    studio.annotations[BAD] = []
    studio.finished.discard(BAD)
    run(environment)
    assert KEY not in studio.meta[BAD]
    assert {key.task_id for key in inspections(environment).looks(1)} == {1, 2, 3, 5, 6}


def test_what_was_accepted_stays_accepted_until_the_annotation_changes(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment, "--rules", "holes")
    assert f"Task {BAD}: accepted (holes)." in run(environment, "--dismiss", f"{BAD}:holes").output
    assert "holes" not in studio.tasks[BAD][FIELD]
    run(environment, "--rules", "holes")
    assert KEY not in studio.meta[BAD]
    studio.annotations[BAD] = [annotation(100 + BAD, brush(spotted() & disc(29)), 1, lead_time=20)]
    run(environment, "--rules", "holes")
    assert KEY in studio.meta[BAD]


def test_accepting_a_task_that_is_not_there_says_so(environment: dict[str, str]) -> None:
    assert "Task 99: not annotated, or not in this project." in run(environment, "--dismiss", "99").output


def test_the_version_in_use_is_asked_once_and_named_in_the_report(
    studio: BulkLabelStudio, environment: dict[str, str], tmp_path: Path
) -> None:
    schema = LabelSchema(("Disc",))
    store = ModelStore(Path(environment["MASKLOOP_STATE_DIR"]) / "versions")
    info = store.publish(1, write_random_unet(tmp_path / "network", schema, side=64), facts(schema))
    run(environment, "--rules", "holes")
    engine = open_database(f"sqlite:///{environment['MASKLOOP_STATE_DIR']}/maskloop.sqlite3")
    ActiveVersions(engine).activate(1, "prelabel", info.name, "a test")
    result = run(environment, "--rules", "holes")
    assert f"trained version that is asked: {info.name}." in result.output
    assert "looked at now: 6." in result.output
    assert studio.meta[BAD][KEY]["model_version"] == info.name
    assert {look.version for look in inspections(environment).looks(1).values()} == {info.name}
    assert len(inspections(environment).measured(1, "unlikely-pixels")) == N_TASKS
    assert "looked at now: 0." in run(environment, "--rules", "holes").output


def test_clearing_leaves_no_trace_but_what_was_accepted(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment)
    run(environment, "--dismiss", f"{BAD}:holes")
    said = run(environment, "--clear", "--dry-run").output
    assert "Warnings that would be taken away" in said
    run(environment, "--clear")
    assert all(KEY not in meta for meta in studio.meta.values())
    assert all(data[FIELD] == "" for data in studio.tasks.values())
    assert TAB not in titles(studio)
    assert inspections(environment).looks(1) == {}
    assert len(inspections(environment).dismissals(1)) == 1


def test_a_dry_run_changes_nothing_in_label_studio(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    assert (
        "Tasks whose warnings would be changed: 1" in run(environment, "--rules", "holes", "--dry-run").output
    )
    assert studio.writes == []


def test_what_was_found_is_written_to_files(environment: dict[str, str], tmp_path: Path) -> None:
    found, table = tmp_path / "found.json", tmp_path / "found.csv"
    run(environment, "--rules", "holes", "--json", str(found), "--csv", str(table))
    (task,) = json.loads(found.read_text(encoding="utf-8"))
    assert task["task"] == BAD and task["issues"][0]["rule"] == "holes"
    (row,) = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert (row["task"], row["rule"], row["regions"]) == (str(BAD), "holes", "r1")
    assert len(row["box"].split()) == 4


def test_the_page_shows_the_place_and_the_reason(environment: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    run(environment, "--rules", "holes", "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.count("<article>") == 1
    assert f"/projects/1/data?task={BAD}" in text
    assert "small holes inside the object." in text
    encoded = text.split("base64,")[1].split('"')[0]
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and max(picture.shape) == 360
    assert "http" not in text.replace(environment["MASKLOOP_LABEL_STUDIO_URL"], "")


def test_regions_to_be_reviewed_are_predictions_of_a_version_of_their_own(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.shown = ""
    result = run(environment, "--rules", "holes", "--review")
    assert "Predictions to be reviewed: 1 of version inspect-1, imported now: 1." in result.output
    (prediction,) = studio.predictions
    (item,) = prediction["result"]
    assert (prediction["task"], prediction["model_version"]) == (BAD, "inspect-1")
    drawn = submitted(BAD, bad=True)["result"][0]
    assert (item["id"], item["meta"]) == ("r1-warning", {"text": ["3 small holes inside the object."]})
    assert (item["value"], item["from_name"]) == (drawn["value"], drawn["from_name"])
    assert studio.shown == ""
    before = list(studio.writes)
    assert "imported now: 0." in run(environment, "--rules", "holes", "--review").output
    assert studio.writes == before
    studio.annotations[BAD] = [submitted(BAD)]
    assert "of version none" in run(environment, "--rules", "holes", "--review").output
    assert studio.predictions == []
    studio.annotations[2] = [submitted(2, bad=True)]
    run(environment, "--rules", "holes", "--review")
    assert [each["task"] for each in studio.predictions] == [2]
    assert "predictions to be reviewed: 1" in run(environment, "--clear").output
    assert studio.predictions == []


def test_what_cannot_be_read_is_named_and_stops_nothing(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.tasks[UNREADABLE]["image"] = "/data/local-files/?d=imgs/none.png"
    studio.annotations[1] = [annotation(101, [{**brush()[0], "value": {}}], 1)]
    result = run(environment, "--rules", "holes")
    assert result.exit_code == 1
    assert f"Task {UNREADABLE}:" in result.output
    assert "Left out: 1 annotations with a region that cannot be read." in result.output
    assert KEY in studio.meta[BAD]


def test_without_a_place_in_the_config_only_the_meta_says_it(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.label_config = XML.replace(f"${FIELD}", "$title")
    for data in studio.tasks.values():
        del data[FIELD]
    run(environment, "--rules", "holes")
    assert KEY in studio.meta[BAD]
    assert all(FIELD not in data for data in studio.tasks.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rules", "holes,moles"], "'moles' is none of"),
        (["--dismiss", "x"], "no task such as 12"),
        (["--dismiss", "4:moles"], "'moles' is none of"),
        (["--clear", "--dismiss", "4"], "do not go together"),
        (["--json", "/nowhere/found.json"], "is not a folder"),
    ],
)
def test_misuse_is_explained(environment: dict[str, str], arguments: list[str], message: str) -> None:
    result = run(environment, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_two_rounds_at_once_are_refused(environment: dict[str, str]) -> None:
    lock = Path(environment["MASKLOOP_STATE_DIR"]) / "inspections" / "1" / "lock"
    with one_at_a_time(lock, "inspects project 1"):
        result = run(environment)
    assert result.exit_code == 1
    assert "Another process inspects project 1" in result.output


def test_a_killed_round_goes_on(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    numbers = range(1, 61)
    studio.tasks = {number: {"image": ADDRESS, FIELD: ""} for number in numbers}
    studio.annotations = {number: [submitted(number, bad=number == BAD)] for number in numbers}
    studio.finished = set(numbers)
    studio.tasks[60] = {"image": ADDRESS.replace("disc", "late"), FIELD: ""}
    studio.held = "/data"  # the round cannot end before it is killed
    command = [sys.executable, "-m", "scripts.inspect_annotations", "--project", "1", "--rules", "holes"]
    patient = clean_environment("MASKLOOP_") | environment | {"MASKLOOP_IMAGE_TIMEOUT_S": "1000"}
    process = subprocess.Popen(command, cwd=ROOT, env=patient)
    store = inspections(environment)
    deadline = time.monotonic() + _PATIENCE_S
    while not store.looks(1):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    n_kept = len(store.looks(1))
    assert 0 < n_kept < 60
    pictures = Path(environment["MASKLOOP_LOCAL_FILES_ROOT"]) / "imgs"
    shutil.copy(pictures / "disc.png", pictures / "late.png")
    result = run(environment, "--rules", "holes")
    assert result.exit_code == 0, result.output
    assert f"looked at now: {60 - n_kept}." in result.output
    assert [number for number, meta in studio.meta.items() if KEY in meta] == [BAD]
