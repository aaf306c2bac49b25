"""Figures of inspected projects with known faults."""

from typing import Any

import pytest
from rich.console import Console

from scripts.inspection_report import combined_table, fault_table, figures, rule_table
from scripts.inspection_runs import COMBINED


def row(number: int, fault: str, severity: float, seed: int = 0) -> dict[str, Any]:
    return {
        "seed": seed,
        "picture": f"p{number}",
        "fault": fault,
        "severities": {"holes": severity, COMBINED: severity},
        "warned": severity >= 0.5,
    }


PERFECT = [row(n, "holes" if n < 2 else "", 0.9 - 0.04 * n if n < 2 else 0.1) for n in range(20)]
BLIND = [row(n, "holes" if n < 2 else "", 0.1 if n < 2 else 0.9) for n in range(20)]


def test_a_perfect_rule_finds_all_faults_first() -> None:
    found = figures(PERFECT, "holes")
    assert found == {
        "average precision": 1,
        "lift": pytest.approx(10),
        "found in the first 10%": 1,
        "found in the first 15%": 1,
        "recall": 1,
        "precision": 1,
        "false alarms per 100": 0,
    }


def test_a_rule_that_warns_about_everything_else_finds_nothing() -> None:
    found = figures(BLIND, COMBINED)
    assert found["recall"] == found["precision"] == found["found in the first 15%"] == 0
    assert found["false alarms per 100"] == 100
    assert found["average precision"] < 0.1


def test_projects_are_averaged() -> None:
    both = [*PERFECT, *(each | {"seed": 1} for each in BLIND)]
    assert figures(both, "holes")["recall"] == 0.5


def test_tables_name_rules_and_faults() -> None:
    console = Console(record=True, width=200)
    for table in (combined_table(PERFECT, "A set"), rule_table(PERFECT), fault_table(PERFECT)):
        console.print(table)
    text = console.export_text()
    assert "A set" in text
    assert "holes (2)" in text
