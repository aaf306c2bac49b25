"""Auto-labelling, its audit and its costs, with a network that has learned nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.rest import LabelStudioApi
from backend.services.annotated_pictures import AUTOMATIC, PictureReader
from backend.services.label_schemas import label_schema
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from scripts import audit, autolabel, costs
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import API_KEY
from tests.fakes.random_unet import write_random_unet
from tests.fakes.versions import facts
from tests.live.pictures import two_objects
from tests.live.projects import LiveTask, config_for
from tests.live.ui import LabellingPage


def _command(function: Callable[..., None]) -> typer.Typer:
    command = typer.Typer()
    command.command()(function)
    return command


_COMMANDS = {"audit": audit.app, "autolabel": _command(autolabel.main), "costs": _command(costs.main)}
N_TASKS = 8
CONFIG = config_for("bitmask")


class Bench:
    """A project with pictures and a trained version, and the commands that are used on it."""

    def __init__(self, rest: LabelStudioRest, folder: Path, *, trained: bool = True) -> None:
        self.rest = rest
        self._state = folder / "state"
        self.project = rest.create_project("audit", CONFIG)
        picture = two_objects()
        self.tasks = [
            rest.upload(self.project, f"{number}.png", picture.content) for number in range(N_TASKS)
        ]
        self.version = self._train(folder / "network") if trained else ""

    def _train(self, folder: Path) -> str:
        settings = Settings(state_dir=self._state)
        schema = label_schema(LabelConfig.parse(CONFIG))
        source = write_random_unet(folder, schema, side=64)
        published = ModelStore(settings.versions_dir).publish(
            self.project, source, replace(facts(schema), trained_on=(), held_out=())
        )
        engine = open_database(settings.resolved_database_url)
        ActiveVersions(engine).activate(self.project, "prelabel", published.name, "gate passed")
        return published.name

    def run(self, command: str, *arguments: str) -> Result:
        settings = {
            "MASKLOOP_LABEL_STUDIO_URL": self.rest.url,
            "MASKLOOP_LABEL_STUDIO_API_KEY": API_KEY,
            "MASKLOOP_STATE_DIR": str(self._state),
            "COLUMNS": "200",
        }
        return CliRunner().invoke(
            _COMMANDS[command], [*arguments, "--project", str(self.project)], env=settings
        )

    def done(self, command: str, *arguments: str) -> str:
        result = self.run(command, *arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def predicted(self, task: int) -> list[dict[str, Any]]:
        (prediction,) = self.rest.task(task)["predictions"]
        return list(prediction["result"])

    def submit(self, task: int, result: list[dict[str, Any]], seconds: float) -> None:
        """As the editor does."""
        body = {"result": result, "lead_time": seconds, "was_cancelled": False}
        self.rest.call("POST", f"/api/tasks/{task}/annotations/", json=body)

    def patch(self, annotation: dict[str, Any], **changes: Any) -> None:
        self.rest.call("PATCH", f"/api/annotations/{annotation['id']}/", json=changes)

    def annotations(self, task: int) -> list[dict[str, Any]]:
        return list(self.rest.call("GET", f"/api/tasks/{task}/annotations/"))

    def in_tab(self, title: str) -> list[int]:
        """Tasks of the only tab with that title, as the Data Manager lists them."""
        views = self.rest.call("GET", "/api/dm/views/", params={"project": self.project})
        (number,) = [view["id"] for view in views if view["data"]["title"] == title]
        listed = self.rest.call("GET", "/api/tasks", params={"view": number, "project": self.project})
        return [task["id"] for task in listed["tasks"]]

    def learnable(self) -> tuple[set[int], int]:
        """Tasks that a training would learn from, and how many annotations it would leave out."""
        config = LabelConfig.parse(CONFIG)
        skipped: Counter[str] = Counter()
        reader = PictureReader(config, label_schema(config), skipped)
        api = LabelStudioApi(self.rest.url, LegacyToken(API_KEY))
        tasks = AnnotatedTasks(api).tasks(self.project)
        return {task.id for task in tasks if reader.pictures(task)}, skipped[AUTOMATIC]


@pytest.fixture
def bench(rest: LabelStudioRest, tmp_path: Path) -> Bench:
    return Bench(rest, tmp_path)


def test_a_sample_of_automatic_labels_is_checked_and_reported(bench: Bench) -> None:
    missing = bench.run("audit", "draw")
    assert missing.exit_code == 1
    assert "scripts.autolabel makes them" in missing.stderr

    bench.done("autolabel")
    assert bench.rest.call("GET", f"/api/projects/{bench.project}/model-versions/") == {
        bench.version: N_TASKS
    }
    assert not any(bench.annotations(task) for task in bench.tasks)

    assert "4 of 8 tasks" in bench.done("audit", "draw", "--sample", "4")
    drawn = bench.in_tab("Audit")
    assert len(set(drawn)) == 4
    assert set(drawn) < set(bench.tasks)
    assert "0 of 4 tasks are checked" in bench.done("audit", "report")

    for task in drawn[:2]:
        bench.submit(task, bench.predicted(task), 10.0)
    bench.submit(drawn[2], [], 20.0)
    report = json.loads(bench.done("audit", "report", "--json"))
    assert (report["drawn"], report["checked"], report["unreadable"]) == (4, 3, 0)
    assert report["unchanged"]["value"] == pytest.approx(2 / 3)
    assert report["dice"]["value"] == pytest.approx(2 / 3)
    assert report["pictures"]["0.9"]["value"] == pytest.approx(2 / 3)
    assert report["pictures"]["0.9"]["low"] == pytest.approx(0.2077, abs=1e-4)  # Wilson, 2 of 3
    assert report["automation"] == {"tasks": N_TASKS, "labelled": 0, "share": 1.0}

    again = bench.run("audit", "draw")
    assert again.exit_code == 1
    assert "1 of 4 tasks of audit 1 are not checked yet" in again.stderr
    bench.submit(drawn[3], [], 30.0)
    bench.done("audit", "draw", "--sample", "100", "--stratified")
    assert set(bench.in_tab("Audit")) == set(bench.tasks) - set(drawn)

    measured = json.loads(bench.done("costs", "--json"))["measured"]
    assert (measured["tasks"], measured["labelled"], measured["automatic"]) == (N_TASKS, 4, 0)
    assert measured["minutes"] == pytest.approx(15 / 60)


def test_automatic_annotations_are_known_again_until_somebody_changes_them(
    bench: Bench, ui: LabellingPage
) -> None:
    *automatic, own = bench.tasks
    bench.submit(own, [], 5.0)
    made = bench.done("autolabel", "--as-annotations", "--least-confidence", "0")
    assert f"Annotations made: {N_TASKS - 1}" in made
    assert "Annotations made: 0" in bench.done("autolabel", "--as-annotations", "--least-confidence", "0")
    for task in automatic:
        (annotation,) = bench.annotations(task)
        assert (annotation["lead_time"], annotation["ground_truth"]) == (0, False)
        notes = [item["meta"]["text"] for item in annotation["result"]]
        assert all(bench.version in note for (note,) in notes)
        assert notes
    assert bench.learnable() == ({own}, N_TASKS - 1)

    opened, accepted, changed, emptied = automatic[:4]
    ui.open_task(LiveTask(bench.project, opened, two_objects()))
    ui.delete_region(0)
    ui.submit()
    (annotation,) = bench.annotations(opened)
    assert annotation["lead_time"] > 0

    bench.done("audit", "draw")
    assert bench.in_tab("Audit") == automatic[1:]
    ui.open_task(LiveTask(bench.project, accepted, two_objects()), row=1)
    ui.duplicate()
    ui.submit()
    report = json.loads(bench.done("audit", "report", "--json"))
    assert (report["checked"], report["unchanged"]["value"], report["dice"]["value"]) == (1, 1, 1)
    assert report["automation"] == {"tasks": N_TASKS, "labelled": 2, "share": 0.75}

    (annotation,) = bench.annotations(changed)
    bench.patch(annotation, result=[{**item, "score": 0.123} for item in annotation["result"]])
    (annotation,) = bench.annotations(emptied)
    bench.patch(annotation, result=[])
    assert bench.learnable() == ({opened, accepted, changed, own}, N_TASKS - 3)

    assert f"would be deleted: {N_TASKS - 4}" in bench.done("autolabel", "--undo", "--dry-run")
    assert f"Annotations deleted: {N_TASKS - 4}" in bench.done("autolabel", "--undo")
    left = [task for task in bench.tasks if bench.annotations(task)]
    assert left == [opened, accepted, changed, emptied, own]
    assert "Annotations deleted: 0" in bench.done("autolabel", "--undo")


def test_only_a_trained_version_makes_annotations(rest: LabelStudioRest, tmp_path: Path) -> None:
    bench = Bench(rest, tmp_path, trained=False)
    refused = bench.run("autolabel", "--as-annotations")
    assert refused.exit_code == 1
    assert "Leave --as-annotations out" in refused.stderr
    assert not any(rest.task(task)["predictions"] or bench.annotations(task) for task in bench.tasks)
