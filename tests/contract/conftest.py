from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.contract.untrained import UNTRAINED, Options


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Options]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in UNTRAINED.items()}
