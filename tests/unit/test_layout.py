"""The packages under test are this checkout's, whatever else is installed."""

import importlib
import inspect
import logging
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["backend", "models", "scripts"])
def test_the_package_comes_from_this_checkout(name: str) -> None:
    package = importlib.import_module(name)
    assert Path(inspect.getfile(package)).parent == ROOT / name


def test_importing_the_service_configures_no_logging() -> None:
    importlib.import_module("backend.wsgi")
    assert logging.getLogger("backend").handlers == []
