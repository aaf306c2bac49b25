"""Cleaning annotations as its user runs it: to the end, again, after changes; only Label Studio is a fake."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from backend.labelstudio.annotations import decode_annotation
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_region
from models.arrays import Mask
from models.regions import Region
from scripts.child_process import clean_environment
from scripts.clean_annotations import main
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.commands import invoke
from tests.fakes.requests import CONFIG
from tests.fakes.shapes import SIZE_HW, box, disc

ROOT = Path(__file__).resolve().parents[2]
IMPORT = "POST /api/projects/1/import/predictions"
BRUSH = LabelConfig.parse(CONFIG).controls[0]
WHOLE, CRUMB, HOLE = disc(40, 50, 20), box(5, 5, 7, 8), box(40, 50, 42, 52)
CLEAN, CRUMBY, HOLED = WHOLE, WHOLE | CRUMB, WHOLE & ~HOLE


def drawn(*masks: Mask) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for number, mask in enumerate(masks):
        region = Region.from_mask(mask, "Coin")
        assert region is not None
        items += encode_region(region, BRUSH, "Coin", SIZE_HW, region_id=f"r{number}")
    return items


def submitted(number: int, result: Sequence[Any], **fields: Any) -> dict[str, Any]:
    moment = f"2026-11-21T10:00:{number:02}Z"
    return {"id": number, "completed_by": 1, "updated_at": moment, "result": list(result), **fields}


@pytest.fixture
def studio() -> BulkLabelStudio:
    """Seven tasks; the first has a crumb, the second a hole, the third is clean, the fourth is a skip."""
    tasks = {number: {"image": f"/data/local-files/?d=imgs/none{number}.png"} for number in range(1, 8)}
    fake = BulkLabelStudio(CONFIG, tasks, shown="watershed-1", shows=True)
    fake.annotations = {
        1: [submitted(1, drawn(CRUMBY, disc(40, 85, 8)))],
        2: [submitted(2, drawn(HOLED))],
        3: [submitted(3, drawn(CLEAN))],
        4: [submitted(4, [], was_cancelled=True)],
        5: [submitted(5, drawn(CLEAN)), submitted(6, drawn(CRUMBY))],
    }
    fake.predictions = [{"task": 7, "result": [], "score": 0.5, "model_version": "watershed-1"}]
    fake.finished = {1, 2, 3, 5}
    return fake


@pytest.fixture
def environment(studio: BulkLabelStudio, tmp_path: Path) -> Iterator[dict[str, str]]:
    with studio.connected(tmp_path, tmp_path / "state") as settings:
        yield settings


def run(environment: dict[str, str], *arguments: str) -> Result:
    options = ["--project", "1", "--least-change", "0.001", *arguments]
    return invoke(main, *options, env={**environment, "COLUMNS": "200"})


def cleaned(studio: BulkLabelStudio, version: str = "cleaned-1") -> dict[int, dict[str, Any]]:
    return {each["task"]: each for each in studio.predictions if each["model_version"] == version}


def masks_of(prediction: dict[str, Any]) -> list[Mask]:
    decoded = decode_annotation(prediction["result"], LabelConfig.parse(CONFIG).controls)
    assert not decoded.problems
    return [region.region.full_mask(SIZE_HW) for region in decoded.regions]


def test_what_changed_becomes_predictions_to_review_and_annotations_stay(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    before = deepcopy(studio.annotations)
    result = run(environment)
    assert (result.exit_code, result.exception) == (0, None)
    assert studio.writes == [IMPORT]
    assert studio.annotations == before
    assert studio.shown == "watershed-1"

    found = cleaned(studio)
    assert sorted(found) == [1, 2, 5]
    first = found[1]["result"]
    assert [item["id"] for item in first] == ["r0", "r1"]
    assert first[0]["meta"] == {"text": ["drop-fragments: 6 px removed in 1 place"]}
    assert first[0]["value"]["brushlabels"] == ["Coin"]
    assert first[1] == before[1][0]["result"][1]
    assert np.array_equal(masks_of(found[1])[0], WHOLE)
    assert found[2]["result"][0]["meta"] == {"text": ["fill-holes: 4 px added in 1 place"]}
    assert np.array_equal(masks_of(found[5])[0], WHOLE)
    assert 0.99 < found[1]["score"] < 1
    assert "Worth a look: 3" in result.output


def test_the_report_counts_by_step_and_class(
    studio: BulkLabelStudio, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "changes.json"
    output = run(environment, "--json", str(file)).output
    (line,) = [line for line in output.splitlines() if "drop-fragments" in line and "Coin" in line]
    assert [part.strip() for part in line.split("│")[1:-1]] == (
        ["drop-fragments", "Coin", "5", "5", "2", "0", "12", "0.9981"]
    )
    report = json.loads(file.read_text())
    assert report["chain"] == "fill-holes,drop-fragments"
    assert [(task["task"], task["worth_a_look"]) for task in report["tasks"]] == [
        (1, True),
        (2, True),
        (3, False),
        (5, True),
    ]
    assert report["tasks"][1]["steps"][0]["added"] == 4


def test_a_second_round_changes_nothing_and_a_changed_annotation_is_cleaned_anew(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment)
    studio.writes.clear()
    again = run(environment)
    assert (again.exit_code, studio.writes) == (0, [])
    assert "0 of them new or changed" in again.output

    studio.annotations[1] = [submitted(1, drawn(HOLED))]
    studio.annotations[2] = [submitted(2, drawn(CLEAN))]
    studio.annotations[5] = []
    studio.finished.discard(5)
    assert "2 of them new or changed" in run(environment).output
    found = cleaned(studio)
    assert sorted(found) == [1]
    assert found[1]["result"][0]["meta"] == {"text": ["fill-holes: 4 px added in 1 place"]}


def test_other_steps_are_another_version(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    run(environment)
    result = run(environment, "--steps", "fill-holes:max_share=0.5", "--steps", "keep-largest")
    assert "version cleaned-2" in result.output
    assert sorted(cleaned(studio, "cleaned-2")) == [1, 2, 5]
    run(environment)
    assert studio.versions() == {"watershed-1": 1, "cleaned-1": 3, "cleaned-2": 3}


def test_only_what_changed_enough_is_shown(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    run(environment, "--least-change", "0.004")
    assert sorted(cleaned(studio)) == [1, 5]


def test_a_dry_run_changes_nothing(
    studio: BulkLabelStudio, environment: dict[str, str], tmp_path: Path
) -> None:
    result = run(environment, "--dry-run", "--show")
    assert "Predictions that would be imported: 3" in result.output
    assert studio.writes == []
    assert not (tmp_path / "state" / "cleaned").exists()


def test_clear_deletes_only_what_rounds_made(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    run(environment)
    run(environment, "--steps", "keep-largest")
    told = run(environment, "--clear", "--dry-run")
    assert "Version cleaned-1: 3 predictions would be deleted." in told.output
    assert studio.versions()["cleaned-1"] == 3
    assert run(environment, "--clear").exit_code == 0
    assert studio.versions() == {"watershed-1": 1}
    assert "holds no cleaned annotations" in run(environment, "--clear").output
    run(environment)
    assert sorted(cleaned(studio)) == [1, 2, 5]


def test_the_project_shows_them_only_on_request(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    shown = run(environment, "--show")
    assert "shows version cleaned-1 now instead of watershed-1" in shown.output
    assert studio.shown == "cleaned-1"
    assert "prelabel_project changes that" in run(environment).output


def test_a_split_region_keeps_its_label_and_gets_another_id(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.annotations = {1: [submitted(1, drawn(disc(40, 28, 15) | disc(40, 55, 14)))]}
    run(environment, "--steps", "split-touching")
    items = cleaned(studio)[1]["result"]
    assert [item["meta"]["text"] for item in items] == [["split-touching: one of 2 parts"]] * 2
    assert [item["value"]["brushlabels"] for item in items] == [["Coin"]] * 2
    assert items[0]["id"] == "r0" != items[1]["id"]


def test_joined_regions_are_one_and_say_so(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    studio.annotations = {1: [submitted(1, drawn(box(30, 20, 50, 40), box(30, 42, 50, 60)))]}
    run(environment, "--steps", "merge-close")
    (item,) = cleaned(studio)[1]["result"]
    assert (item["id"], item["meta"]["text"]) == ("r0", ["merge-close: joined with 1 more"])


def test_what_cannot_be_read_or_looked_at_is_named_and_the_rest_done(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.annotations[2][0]["result"][0]["value"]["rle"] = [1, 2, 3]
    result = run(environment)
    assert result.exit_code == 1
    assert "Tasks that could not be cleaned: 1" in result.output
    assert "Task 2: Annotation 2: Region r0" in result.output
    assert sorted(cleaned(studio)) == [1, 5]

    missing = run(environment, "--steps", "snap-to-edges")
    assert missing.exit_code == 1
    assert "Tasks that could not be cleaned: 4" in missing.output


def test_wrong_steps_are_refused_before_anything_is_read(
    studio: BulkLabelStudio, environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    result = invoke(main, "--project", "1", "--steps", "smooth-outline:radius=0", env=environment)
    assert result.exit_code == 1
    assert "radius must be from 0.5 to 20, not 0" in result.output


def test_a_killed_round_goes_on_where_it_was(
    studio: BulkLabelStudio, environment: dict[str, str], tmp_path: Path
) -> None:
    studio.tasks |= {number: {"image": "none"} for number in range(10, 400)}
    studio.annotations |= {number: [submitted(number % 60, drawn(CRUMBY))] for number in range(10, 400)}
    studio.finished |= set(range(10, 400))
    studio.held = "/api/projects/1/import"  # the round cannot end before it is killed
    command = [sys.executable, "-m", "scripts.clean_annotations", "--project", "1", "--least-change", "0.001"]
    full = clean_environment("MASKLOOP_") | environment
    file = tmp_path / "state" / "cleaned" / "1" / "cleaned-1.jsonl"
    with subprocess.Popen(command, cwd=ROOT, env=full, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 120
            while lines_of(file) < 20:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.kill()
    assert studio.writes == []
    studio.held = ""
    kept = lines_of(file) - 1
    result = run(environment)
    assert (result.exit_code, len(cleaned(studio))) == (0, 393)
    found = int(result.output.split("Annotated tasks: 394, ")[1].split()[0])
    assert found <= 394 - kept + 1
    assert found < 394


def lines_of(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.is_file() else 0
