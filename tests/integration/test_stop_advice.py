"""The advice as its user asks for it, about real versions; only Label Studio is a fake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from backend.labelstudio.label_config import LabelConfig
from backend.services.label_schemas import label_schema
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from backend.state.task_figures import TaskFigures, TaskLook
from models.prelabel.figures import PictureFigures
from scripts.stop_advice import main
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.commands import invoke
from tests.fakes.random_unet import write_random_unet
from tests.fakes.requests import CONFIG
from tests.fakes.versions import facts

N_TASKS = 3


@pytest.fixture
def studio(files: Path) -> BulkLabelStudio:
    tasks = {
        number: {"image": f"/data/local-files/?d=imgs/img{number % 3}.png"}
        for number in range(1, N_TASKS + 1)
    }
    studio = BulkLabelStudio(CONFIG, tasks)
    studio.annotations = {1: [{"id": 1, "result": [], "lead_time": 90.0, "was_cancelled": False}]}
    studio.finished = {1}
    return studio


@pytest.fixture
def environment(studio: BulkLabelStudio, files: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    with studio.connected(files, tmp_path / "state") as settings:
        yield settings | {"COLUMNS": "300"}


def train(environment: dict[str, str], folder: Path, scores: list[float], *, same: bool) -> None:
    """Publish versions, each compared with the one before; all of one network, or each another one."""
    settings = Settings(state_dir=Path(environment["MASKLOOP_STATE_DIR"]))
    store = ModelStore(settings.versions_dir)
    engine = open_database(settings.resolved_database_url)
    schema = label_schema(LabelConfig.parse(CONFIG))
    for number, score in enumerate(scores):
        source = write_random_unet(folder / str(number), schema, side=64, seed=0 if same else number)
        before = scores[number - 1] if number else None
        compared = {"mean": score, "rival_mean": before, "low": -0.01, "high": 0.02}
        figures = {
            "score": score,
            "examples": 10,
            "against": {"the model in use": compared} if number else {},
        }
        gate = {"passed": True, "reason": "", "figures": figures}
        learned = tuple(f"{1000 + each}/image" for each in range(10 * (number + 1)))
        made = replace(facts(schema, parent=f"v{number}"), gate=gate, trained_on=learned)
        info = store.publish(1, source, made)
        ActiveVersions(engine).activate(1, "prelabel", info.name, "gate passed")
    looks = [
        TaskLook(task, "d", PictureFigures(0.2, 0.1, 0.3, 0.2, 0.5, 0.95, (0.2,), (0.4,)))
        for task in range(2, N_TASKS + 1)
    ]
    TaskFigures(engine).store(1, info.name, looks)


def run(environment: dict[str, str], *arguments: str) -> Result:
    return invoke(main, "--project", "1", *arguments, env=environment)


def test_versions_that_say_the_same_and_gain_nothing_say_stop(
    environment: dict[str, str], tmp_path: Path
) -> None:
    train(environment, tmp_path / "new", [0.7, 0.8, 0.805, 0.806, 0.806], same=True)
    plot = tmp_path / "curve.png"
    result = run(environment, "--json", "--plot", str(plot))
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["verdict"] == "stop"
    verdicts = {each["name"]: each["verdict"] for each in said["criteria"]}
    assert verdicts == {
        "plateau of the score": "stop",
        "stable predictions": "stop",
        "doubt about the rest": "stop",
        "gain per hour": "stop",
    }
    assert [version["point"]["n_labels"] for version in said["versions"]] == [10, 20, 30, 40, 50]
    assert said["criteria"][1]["figures"]["mean_change"] == 0
    assert plot.stat().st_size > 1000


def test_versions_that_disagree_and_gain_say_continue_and_are_compared_only_once(
    environment: dict[str, str], tmp_path: Path
) -> None:
    train(environment, tmp_path / "new", [0.3, 0.45, 0.6, 0.75], same=False)
    first = run(environment)
    assert first.exit_code == 0, first.output
    assert "Continue. 1 of 4 criteria say stop" in first.output
    assert "continue plateau of the score" in first.output
    assert "continue stable predictions" in first.output
    kept = Path(environment["MASKLOOP_STATE_DIR"]) / "stop-advice" / "1.json"
    written = kept.stat().st_mtime_ns
    assert run(environment).output == first.output
    assert kept.stat().st_mtime_ns == written


def test_without_versions_it_says_what_is_missing(environment: dict[str, str]) -> None:
    result = run(environment)
    assert result.exit_code == 0, result.output
    assert "Too little is known" in result.output
    assert "0 versions were compared with the one before them, 3 are needed" in result.output
    assert "has looked at 0 of 2 remaining tasks" in result.output
