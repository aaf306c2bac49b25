"""The Dockerfile and the compose file keep their promises, as far as that shows without a Docker engine."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # comes with label-studio-sdk, without type information

from backend.settings import Settings
from scripts.child_process import ChildProcess, clean_environment, free_port

ROOT = Path(__file__).resolve().parents[2]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, rest) with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def values(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def services() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"])


def is_setting(variable: str) -> bool:
    return variable.removeprefix("MASKLOOP_").lower() in Settings.model_fields


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    found = subprocess.run(
        [hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_service_does_not_run_as_root() -> None:
    assert int(values("USER")[-1]) > 0


def test_everything_copied_exists_and_is_not_ignored() -> None:
    copied = [
        source
        for rest in values("COPY")
        if not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    ]
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    assert sorted(copied) == sorted(allowed)
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_and_the_environments_get_torch_without_cuda_unless_asked() -> None:
    (index,) = (rest.split("=")[1] for rest in values("ARG") if rest.startswith("TORCH_INDEX="))
    assert index.endswith("/whl/cpu")
    assert f"CPU_TORCH={index}\n" in (ROOT / "scripts" / "environments.sh").read_text()


def test_the_image_has_what_the_readme_says_it_has() -> None:
    (installed,) = (re.findall(r'"\.\[(.+)\]"', rest) for rest in values("RUN") if '".[' in rest)
    promised = re.findall(
        r"'\.\[(.+)\]'.+the Docker image has (?:it|them)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert sorted(installed[0].split(",")) == sorted(",".join(promised).split(","))


def test_every_setting_in_the_files_is_one() -> None:
    in_image = [word.split("=")[0] for rest in values("ENV") for word in rest.split()]
    in_compose = services()["maskloop"]["environment"]
    used = [name for name in (*in_image, *in_compose) if name.startswith("MASKLOOP_")]
    assert len(used) >= 5
    assert [name for name in used if not is_setting(name)] == []


def test_the_state_survives_the_container() -> None:
    environment = dict(word.split("=") for rest in values("ENV") for word in rest.split())
    assert values("VOLUME") == [environment["MASKLOOP_STATE_DIR"]]
    assert services()["maskloop"]["volumes"] == [f"maskloop:{environment['MASKLOOP_STATE_DIR']}"]


def test_the_published_port_is_the_default_port() -> None:
    assert values("EXPOSE") == [str(Settings.model_fields["port"].default)]


def health_command() -> list[str]:
    (health,) = values("HEALTHCHECK")
    program, *arguments = json.loads(health[health.index("CMD ") + 4 :])
    assert program == "python"
    return [sys.executable, *(argument.replace("timeout=3)", "timeout=60)") for argument in arguments)]


@pytest.mark.parametrize("is_up", [True, False])
def test_the_health_check_succeeds_exactly_when_health_answers(tmp_path: Path, *, is_up: bool) -> None:
    (tmp_path / "health").write_text("ok")
    port = free_port()
    server = ChildProcess(
        "Test server",
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(tmp_path)],
        environment=clean_environment(),
        health_url=f"http://127.0.0.1:{port}/health",
        log_path=tmp_path / "server.log",
        start_timeout_s=120,
    )
    if is_up:
        server.start()
    environment = clean_environment("MASKLOOP_") | {"MASKLOOP_PORT": str(port)}
    try:
        check = subprocess.run(health_command(), env=environment, capture_output=True, check=False)
    finally:
        server.stop()
    assert (check.returncode == 0) == is_up


def test_label_studio_may_reach_the_service_beside_it() -> None:
    settings = services()["label-studio"]["environment"]
    assert settings["ML_BLOCK_LOCAL_IP"] == "false"
    assert settings["SSRF_PROTECTION_ENABLED"] == "false"
    assert settings["LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN"] == "true"


def test_secrets_come_from_outside_and_are_demanded() -> None:
    secrets = {
        name: value
        for service in services().values()
        for name, value in service["environment"].items()
        if re.search("PASSWORD|TOKEN$|KEY$", name) and not name.startswith("LABEL_STUDIO_ENABLE")
    }
    assert len(secrets) == 4
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in secrets.values())


def test_label_studio_is_the_version_that_is_tested() -> None:
    pinned = re.search(r"label-studio==(\S+)", (ROOT / "scripts" / "environments.sh").read_text())
    assert pinned is not None
    assert services()["label-studio"]["image"] == f"heartexlabs/label-studio:{pinned[1]}"
