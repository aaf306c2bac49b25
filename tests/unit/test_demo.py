"""The demo's parts that need no server; the whole is run by `demo.sh --check` and the live tests."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.rle import encode
from scripts.child_process import ChildProcess, clean_environment
from scripts.demo import exclusive, forget, report_checks, wait_for_interrupt, welcome
from scripts.demo_check import CheckResult, decoded_masks
from scripts.demo_images import DEMO_IMAGES, DemoImage
from scripts.demo_project import TEMPLATE, DemoProject
from scripts.errors import DemoRunningError, LabelStudioMissingError, StartError
from scripts.label_studio_server import LabelStudioServer


def test_a_second_demo_is_kept_out_until_the_first_ends(tmp_path: Path) -> None:
    with exclusive(tmp_path / "demo"), pytest.raises(DemoRunningError, match="running already"):
        exclusive(tmp_path / "demo").__enter__()
    with exclusive(tmp_path / "demo"):
        pass


def test_a_reset_deletes_everything_of_earlier_runs(tmp_path: Path) -> None:
    (tmp_path / "label-studio").mkdir()
    (tmp_path / "label-studio" / "database").write_text("old")
    (tmp_path / "project.json").write_text("{}")
    with exclusive(tmp_path):
        forget(tmp_path)
        assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


def test_the_welcome_says_where_to_go_and_how_to_log_in() -> None:
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(welcome("http://127.0.0.1:1234", DemoProject(7, (1, 2))))
    text = console.export_text()
    for needed in ("http://127.0.0.1:1234/projects/7/data", "demo@example.com", "password", "Ctrl-C"):
        assert needed in text


def test_the_table_shows_what_failed() -> None:
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(report_checks([CheckResult("Smart click", False, "0 masks", 0.25)]))
    assert "NO" in console.export_text()


def test_a_server_that_ends_ends_the_demo_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("out of memory\n")
    server = ChildProcess(
        "Maskloop",
        ["true"],
        environment=clean_environment(),
        health_url="http://127.0.0.1:1/",
        log_path=log,
        start_timeout_s=1,
    )
    with pytest.raises(StartError, match=r"(?s)Maskloop ended.*out of memory"):
        wait_for_interrupt([server])


@pytest.mark.parametrize("image", DEMO_IMAGES, ids=lambda image: image.name)
def test_a_picture_is_in_the_wheel_and_becomes_a_viewable_png(image: DemoImage) -> None:
    picture = Image.open(io.BytesIO(image.png()))
    assert picture.mode in {"L", "RGB"}
    assert 100 <= min(picture.size) <= max(picture.size) <= 1500


def test_the_demos_labelling_config_takes_masks() -> None:
    config = LabelConfig.parse(TEMPLATE.read_text())
    control = config.output_control("image", "Object")
    assert control is not None
    assert control.result_type == "brushlabels"


def test_brush_regions_are_decoded_and_others_left_out() -> None:
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:5] = True
    brush = {
        "type": "brushlabels",
        "original_height": 4,
        "original_width": 6,
        "value": {"rle": encode(mask)},
    }
    (decoded,) = decoded_masks([brush, {"type": "keypointlabels", "value": {}}])
    assert np.array_equal(decoded, mask)


def test_a_missing_label_studio_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(LabelStudioMissingError, match=r"demo\.sh"):
        LabelStudioServer(tmp_path / "nothing", tmp_path / "data")
