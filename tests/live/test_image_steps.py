"""The Dockerfile's own steps, in a plain environment instead of an image."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.child_process import ChildProcess, clean_environment, free_port
from tests.unit.test_container import ROOT, health_command, instructions

IN_IMAGE = "/opt/maskloop"
pytestmark = pytest.mark.timeout(900)  # two installations


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is /opt/maskloop in the image, built as the Dockerfile's first stage does."""
    source, target = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("image") / "maskloop"
    steps = instructions()
    second_stage = [number for number, (name, _) in enumerate(steps) if name == "FROM"][1]
    for name, rest in steps[:second_stage]:
        if name == "COPY":
            *copied, _ = shlex.split(rest)
            for each in copied:
                copy(ROOT / each, source / each)
        elif name == "RUN":
            command = rest.replace(IN_IMAGE, str(target)).replace("python3", sys.executable)
            environment = clean_environment("PYTHON") | {"PIP_NO_COMPILE": "1"}  # half the time
            subprocess.run(shlex.split(command), cwd=source, check=True, env=environment)
    return target


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_the_command_line_works_from_another_folder(built: Path, tmp_path: Path) -> None:
    for script in ("serve", "connect"):
        answer = subprocess.run(
            [built / "bin" / "python", "-m", f"scripts.{script}", "--help"],
            cwd=tmp_path,
            env=clean_environment("PYTHON", "MASKLOOP_"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Usage" in answer.stdout


def test_labelling_configs_and_no_development_tools_are_installed(built: Path) -> None:
    (packages,) = built.glob("lib/python*/site-packages")
    assert (packages / "scripts" / "templates" / "brush-masks.xml").exists()
    assert not (packages / "pytest").exists()
    assert not (packages / "tests").exists()


def test_the_service_starts_as_in_the_image_and_its_health_check_passes(built: Path, tmp_path: Path) -> None:
    port = free_port()
    image_settings = {"MASKLOOP_PORT": str(port), "MASKLOOP_STATE_DIR": str(tmp_path / "state")}
    environment = clean_environment("PYTHON", "MASKLOOP_") | image_settings
    server = ChildProcess(
        "Maskloop",
        [str(built / "bin" / "python"), "-m", "scripts.serve"],
        environment=environment,
        health_url=f"http://127.0.0.1:{port}/health",
        log_path=tmp_path / "log",
        start_timeout_s=180,
        working_dir=built,
    )
    with server:
        subprocess.run(health_command(), env=environment, check=True)
