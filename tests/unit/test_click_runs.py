import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from backend.settings import Settings
from models.errors import MissingExtraError, UnknownNameError
from models.training.click_evaluation import Limits, Trace
from models.training.click_statistics import ClickedObject
from models.training.samples import DataFolder, Sample
from scripts.click_report import check_plots, draw_curves, make_column, table, write_json
from scripts.click_runs import ClickProtocol, ModelMaker, PictureResult, plan_jobs, run_jobs
from scripts.errors import NothingMeasuredError, StartError
from scripts.evaluate_clicks import choose_jobs, measure, model_makers

QUIET = Console(quiet=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three pictures; the n-th has n squares in a row, with sides of 8, 12 and 16 pixels."""
    random = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for number in (1, 2, 3):
        ids = np.zeros((40, 80), np.uint8)
        for square in range(number):
            side = 8 + 4 * square
            ids[10 : 10 + side, 5 + 25 * square : 5 + 25 * square + side] = square + 1
        image = np.where(ids[:, :, None] > 0, 190, 60) + random.normal(0, 5, (40, 80, 3))
        PIL.Image.fromarray(image.astype(np.uint8)).save(tmp_path / "images" / f"p{number}.png")
        PIL.Image.fromarray(ids).save(tmp_path / "masks" / f"p{number}.png")
    (tmp_path / "groups.json").write_text(json.dumps({"well": ["p2", "p3"]}))
    return tmp_path


def objects(path: Path, *, every: int = 1, min_area: int = 1, last: int | None = None) -> list[str]:
    folder = DataFolder(path)
    jobs = plan_jobs(folder, folder.select(last=last), every=every, min_area=min_area)
    return [f"{job.group}/{job.stem}.{number}" for job in jobs if job for number in job.objects]


def test_objects_are_chosen_in_the_order_of_names_and_numbers(path: Path) -> None:
    assert objects(path) == ["p1/p1.1", "well/p2.1", "well/p2.2", "well/p3.1", "well/p3.2", "well/p3.3"]
    assert objects(path, every=3) == ["p1/p1.1", "well/p3.1"]
    assert objects(path, every=2, last=2) == ["well/p2.1", "well/p3.1", "well/p3.3"]
    assert objects(path, every=2, min_area=100) == ["well/p2.2", "well/p3.3"]


def test_no_object_left_is_an_error_that_says_what_to_change(path: Path) -> None:
    with pytest.raises(NothingMeasuredError, match=r"3 selected masks in .* lower --min-area"):
        choose_jobs(QUIET, DataFolder(path), ["p1", "p2", "p3"], every=1, min_area=999)


def test_results_do_not_depend_on_what_else_is_clicked(path: Path) -> None:
    protocol = ClickProtocol(DataFolder(path), "jittered", 3, Limits(max_clicks=4))

    def ious(every: int) -> dict[tuple[str, int], tuple[float, ...]]:
        jobs = choose_jobs(QUIET, protocol.folder, ["p1", "p2", "p3"], every=every, min_area=1)
        results = run_jobs(protocol, ModelMaker("graphcut"), jobs, 1)
        return {(item.stem, item.number): item.trace.ious for result in results for item in result.objects}

    everything, some = ious(1), ious(2)
    assert len(everything) == 6
    assert some.items() < everything.items()
    assert max(max(values) for values in everything.values()) > 0.8


class EndsAtThird(DataFolder):
    """The annotator presses Ctrl-C while the third picture is read."""

    def read(self, stem: str) -> Sample:
        if stem == "p3":
            raise KeyboardInterrupt
        return super().read(stem)


def test_an_interrupted_run_reports_what_is_done(path: Path) -> None:
    protocol = ClickProtocol(EndsAtThird(path), "centre", 0, Limits(max_clicks=2))
    jobs = choose_jobs(QUIET, protocol.folder, ["p1", "p2", "p3"], every=1, min_area=1)

    columns, complete = measure(QUIET, protocol, model_makers(["graphcut"], [], Settings()), jobs, 1)

    assert not complete
    assert [column.title for column in columns] == ["graphcut (interrupted)"]
    assert columns[0].figures.n_objects == 3


class EndsProcess(DataFolder):
    """The operating system ends the process, as it does when memory is short."""

    def read(self, stem: str) -> Sample:
        os._exit(1)


def test_a_worker_that_ends_is_an_error_that_says_what_to_change(path: Path) -> None:
    protocol = ClickProtocol(EndsProcess(path), "centre", 0, Limits())
    jobs = choose_jobs(QUIET, protocol.folder, ["p1"], every=1, min_area=1)

    with pytest.raises(StartError, match="use fewer --workers"):
        list(run_jobs(protocol, ModelMaker("graphcut"), jobs, 2))


def test_weights_without_a_model_for_them_are_refused() -> None:
    with pytest.raises(NothingMeasuredError, match="graphcut takes no file of weights"):
        model_makers(["graphcut"], [Path("x.safetensors")], Settings())
    with pytest.raises(UnknownNameError):
        model_makers(["sma"], [Path("x.safetensors")], Settings())


def test_models_that_take_weights_are_measured_once_for_each_file() -> None:
    files = [Path("a.pth"), Path("b.pth")]

    makers = model_makers(["graphcut", "sam"], files, Settings())

    assert makers == {
        "graphcut": ModelMaker("graphcut"),
        "sam a.pth": ModelMaker("sam", (("checkpoint", files[0]),)),
        "sam b.pth": ModelMaker("sam", (("checkpoint", files[1]),)),
    }


def test_models_are_measured_as_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(sam_checkpoint=str(tmp_path / "mine.pth"))

    makers = model_makers(["sam"], [], settings)

    assert makers == {"sam": ModelMaker("sam", (("checkpoint", tmp_path / "mine.pth"),))}


def test_the_first_click_on_a_picture_includes_its_encoding() -> None:
    def clicked(*seconds: float) -> ClickedObject:
        return ClickedObject("a", "a", 1, 9, Trace((0.9,) * len(seconds), seconds))

    model = make_column("model", [PictureResult(1, (clicked(0.1, 0.3), clicked(0.2)), 1.0)], 20)
    service = make_column("service", [PictureResult(1, (clicked(1.1, 0.3), clicked(0.2)), None)], 20)

    assert model.encode and model.first_click and model.click
    assert (model.encode.median, model.first_click.median, model.click.median) == pytest.approx(
        (1000, 1100, 200)
    )
    assert service.encode is None and service.first_click and service.click
    assert (service.first_click.median, service.click.median) == pytest.approx((1100, 250))


def test_the_report_has_every_object_in_order_and_the_curves_are_drawn(tmp_path: Path) -> None:
    item = ClickedObject("a", "a", 1, 9, Trace((0.7, 0.95), (0.1, 0.1)))
    later = replace(item, stem="b")
    columns = [make_column("one", [PictureResult(2, (later,), 0.5), PictureResult(1, (item,), 0.5)], 20)]

    write_json(tmp_path / "x.json", columns, {"data": "made up"})
    draw_curves(tmp_path / "x.png", columns, "made up")

    content = json.loads((tmp_path / "x.json").read_text())
    assert content["data"] == "made up" and content["machine"]
    assert [row["stem"] for row in content["models"][0]["objects"]] == ["a", "b"]
    assert content["models"][0]["objects"][0]["trace"]["ious"] == [0.7, 0.95]
    assert content["models"][0]["figures"]["noc"]["0.9"]["mean"] == 2
    with PIL.Image.open(tmp_path / "x.png") as picture:
        assert len(np.unique(np.asarray(picture))) > 10
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(columns, "made up"))
    text = console.export_text()
    for line in ("objects (pictures)", "NoC@80", "2.00 (2.00–2.00)", "failed@90", "IoU@10", "500.0 (500.0)"):
        assert line in text


def test_a_missing_matplotlib_is_said_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(MissingExtraError, match=r"\[plots\]"):
        check_plots()
