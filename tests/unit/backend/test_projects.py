from pathlib import Path
from typing import Any

import pytest

from backend.errors import RequestError
from backend.services.projects import ProjectOptions, stored_options
from backend.state.database import open_database
from backend.state.project_store import ProjectStore, StoredProject

DEFAULTS = ProjectOptions("watershed", "clicknet", ())


def test_a_project_changes_what_it_names_and_keeps_the_rest() -> None:
    extra = {"learn": False, "fit_after": 20, "fit_quiet_s": 0, "fit_seconds": 7.5, "unknown": 1}
    options = DEFAULTS.changed_by(extra)
    assert (options.learn, options.fit_after, options.fit_quiet_s, options.fit_seconds) == (False, 20, 0, 7.5)
    assert options.prelabeller == "watershed"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("learn", "no", "true or false"),
        ("select_after_fit", 1, "true or false"),
        ("selector", ["auto"], "a name"),
        ("fit_after", 0, "at least 1"),
        ("fit_after", 2.5, "a whole number"),
        ("fit_after", True, "a whole number"),
        ("fit_quiet_s", "60", "a number"),
        ("fit_quiet_s", -1, "at least 0"),
        ("fit_quiet_s", float("nan"), "at least 0"),
        ("fit_seconds", 1e12, "at least 5 and at most"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_name(key: str, value: Any, message: str) -> None:
    with pytest.raises(RequestError, match=f"extra_params.{key} must be {message}"):
        DEFAULTS.changed_by({key: value})


def test_the_options_of_a_number_are_those_of_the_project_that_was_set_up_last(tmp_path: Path) -> None:
    store = ProjectStore(open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}"))
    assert stored_options(store, 7, DEFAULTS) == DEFAULTS
    for key, after in (("7.1", 3), ("77.9", 5), ("7.2", 4)):
        store.save(key, StoredProject("<View/>", {"fit_after": after}))
    assert stored_options(store, 7, DEFAULTS).fit_after == 4
