"""The constraints file: merging what the Pythons resolve, and the file itself."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.pin_versions import document, merge, versions

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def test_one_version_everywhere_needs_no_marker() -> None:
    assert merge({"3.10": {"flask": "3.1"}, "3.11": {"flask": "3.1"}}) == ["flask==3.1"]


def test_a_package_of_some_pythons_only_needs_no_marker() -> None:
    assert merge({"3.10": {"tomli": "2.0"}, "3.11": {}}) == ["tomli==2.0"]


def test_versions_that_differ_get_markers() -> None:
    merged = merge({"3.10": {"scipy": "1.15"}, "3.11": {"scipy": "1.17"}, "3.12": {"scipy": "1.17"}})
    assert merged == ['scipy==1.15 ; python_version <= "3.10"', 'scipy==1.17 ; python_version >= "3.11"']


def test_a_version_in_the_middle_names_its_pythons() -> None:
    merged = merge({"3.10": {"a": "1"}, "3.11": {"a": "2"}, "3.12": {"a": "3"}})
    assert merged[1] == 'a==2 ; python_version == "3.11"'


def test_the_report_names_packages_as_pip_normalises_them_and_leaves_the_project_out() -> None:
    report = {
        "install": [
            {"metadata": {"name": "Prometheus_Client", "version": "0.26"}},
            {"metadata": {"name": "maskloop", "version": "0.1"}},
        ]
    }
    assert versions(report) == {"prometheus-client": "0.26"}


def test_torch_is_pinned_for_all_its_builds_and_without_the_cuda_libraries_of_some() -> None:
    found = {"torch": "2.13.0+cpu", "nvidia-cudnn-cu13": "9.20", "cuda-bindings": "13.0", "triton": "3.7"}
    report = {"install": [{"metadata": {"name": name, "version": found[name]}} for name in found]}
    assert versions(report) == {"torch": "2.13.0"}


def test_the_document_says_how_to_make_it_again() -> None:
    command = "python -m scripts.pin_versions python3.10 --hold torch==2.13.0\n"
    assert command in document({"3.10": {"flask": "3.1"}}, held=["torch==2.13.0"])


@pytest.mark.parametrize("python", PYTHONS)
def test_the_file_has_exactly_one_version_of_each_package_per_python(python: str) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    valid = [
        pin.name for pin in pins if pin.marker is None or pin.marker.evaluate({"python_version": python})
    ]
    assert len(valid) == len(set(valid))
    assert {"flask", "scipy", "pytest", "label-studio-sdk", "torch", "torchvision", "matplotlib"} <= set(
        valid
    )
