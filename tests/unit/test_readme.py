"""The README's tables are compared with the code."""

import re
from pathlib import Path

import pytest

from backend.inspection import RULES
from backend.selection import SELECTORS
from backend.settings import Settings
from models.interactive import INTERACTIVE_MODELS
from models.postprocess import POST_PROCESSORS
from models.prelabel import PRELABELLERS
from models.preprocess import PRE_PROCESSORS
from models.weights_files import WEIGHTS_FILES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> set[str]:
    """First column of the table below a heading, without code marks."""
    section = README.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    return {match[1] for match in re.finditer(r"^\| `([^`]+)`", section, re.MULTILINE)}


def test_the_settings_table_names_every_setting_and_no_other() -> None:
    assert first_cells("## Settings") == {f"MASKLOOP_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("### Interactive models", INTERACTIVE_MODELS.names),
        ("### Weights", tuple(file.name for file in WEIGHTS_FILES)),
        ("### Pre-labellers", PRELABELLERS.names),
        ("### Pre-processors", PRE_PROCESSORS.names),
        ("### Post-processors", POST_PROCESSORS.names),
        ("### Selectors", SELECTORS.names),
        ("### Inspection rules", RULES.names),
    ],
)
def test_the_components_table_names_every_member_and_no_other(heading: str, names: tuple[str, ...]) -> None:
    assert first_cells(heading) == set(names)


@pytest.mark.parametrize("name", RULES.names)
def test_the_rules_table_says_what_each_severity_rises_with(name: str) -> None:
    row = README.split(f"\n| `{name}` | ", 1)[1].split("\n", 1)[0]
    assert row.endswith(f" | {RULES.get(name).higher_is_worse_because} |")


def test_every_script_that_the_readme_starts_exists() -> None:
    started = set(re.findall(r"python -m scripts\.(\w+)", README))
    assert started
    assert [name for name in started if not (ROOT / "scripts" / f"{name}.py").is_file()] == []


def test_every_file_that_the_readme_links_exists() -> None:
    links = {link for link in re.findall(r"\]\(([^)#\s]+)\)", README) if "://" not in link}
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
