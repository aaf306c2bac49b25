"""What scripts.evaluate_inspection says about its rows: who finds which faults, and how early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from backend.inspection.base import WARN_AT
from scripts.inspection_runs import COMBINED
from scripts.prelabel_runs import ranked_precision

Row = Mapping[str, Any]
REVIEWED = (0.1, 0.15)
"""Shares of the annotations that are reviewed, the most doubtful first."""


def figures(rows: Sequence[Row], rule: str) -> dict[str, float]:
    """How well a rule finds faults, as means over the projects.

    Args:
        rows: Of `run_all`, of projects with at least one fault and one annotation without.
        rule: Its name, or `COMBINED`.

    Returns:
        Average precision; the same over that of a random order (lift); shares of the faults among the first
        reviewed; recall, precision and false alarms per 100 clean annotations of the warnings. Those of
        `COMBINED` are warnings of any rule.
    """
    return {
        name: float(np.mean([each[name] for each in map(lambda g: _figures(g, rule), _projects(rows))]))
        for name in _figures(_projects(rows)[0], rule)
    }


def combined_table(rows: Sequence[Row], title: str) -> Table:
    """All rules together, with the spread over the projects."""
    table = Table("", "mean", "lowest", "highest", title=title)
    projects = [_figures(group, COMBINED) for group in _projects(rows)]
    for name in projects[0]:
        values = [each[name] for each in projects]
        table.add_row(name, *(f"{value:.3f}" for value in (np.mean(values), min(values), max(values))))
    return table


def rule_table(rows: Sequence[Row]) -> Table:
    """A line for each rule that says anything, the most useful first."""
    rules = sorted({name for row in rows for name in row["severities"]} - {COMBINED})
    found = {rule: figures(rows, rule) for rule in rules}
    table = Table("rule", *next(iter(found.values()), {}), title="Rules one by one")
    for rule, values in sorted(found.items(), key=lambda item: -item[1]["average precision"]):
        table.add_row(rule, *(f"{value:.2f}" for value in values.values()))
    return table


def fault_table(rows: Sequence[Row]) -> Table:
    """A line for each kind of fault: how many are found, and by which rule most."""
    table = Table(
        "fault", "n", "warned", "in the first 10 %", "in the first 15 %", "found most by", title="Faults"
    )
    first = [_first_reviewed(rows, share) for share in REVIEWED]
    for kind in sorted({row["fault"] for row in rows} - {""}):
        of_kind = [(index, row) for index, row in enumerate(rows) if row["fault"] == kind]
        shares = [np.mean([row["warned"] for _, row in of_kind])]
        shares += [np.mean([index in early for index, _ in of_kind]) for early in first]
        table.add_row(kind, str(len(of_kind)), *(f"{share:.0%}" for share in shares), _finder(of_kind))
    return table


def _finder(of_kind: Sequence[tuple[int, Row]]) -> str:
    counts: dict[str, int] = {}
    for _, row in of_kind:
        for rule, severity in row["severities"].items():
            if rule != COMBINED and severity >= WARN_AT:
                counts[rule] = counts.get(rule, 0) + 1
    best = sorted(counts, key=lambda rule: (-counts[rule], rule))[:3]
    return ", ".join(f"{rule} ({counts[rule]})" for rule in best)


def _projects(rows: Sequence[Row]) -> list[list[Row]]:
    seeds = sorted({row["seed"] for row in rows})
    return [[row for row in rows if row["seed"] == seed] for seed in seeds]


def _figures(rows: Sequence[Row], rule: str) -> dict[str, float]:
    severity = np.array([row["severities"].get(rule, 0.0) for row in rows])
    faulty = np.array([bool(row["fault"]) for row in rows])
    warned = np.array([row["warned"] for row in rows]) if rule == COMBINED else severity >= WARN_AT
    order = np.argsort(-severity, kind="stable")
    precision = ranked_precision(severity, faulty)
    early = {
        f"found in the first {share:.0%}": faulty[order][: round(share * len(rows))].sum()
        / max(1, faulty.sum())
        for share in REVIEWED
    }
    return {
        "average precision": precision,
        "lift": precision / max(float(faulty.mean()), 1 / len(rows)),
        **early,
        "recall": float(warned[faulty].mean()) if faulty.any() else 0.0,
        "precision": float(faulty[warned].mean()) if warned.any() else 1.0,
        "false alarms per 100": 100 * float(warned[~faulty].mean()),
    }


def _first_reviewed(rows: Sequence[Row], share: float) -> set[int]:
    """Indices of the annotations that are reviewed first, in each project."""
    early: set[int] = set()
    for seed in {row["seed"] for row in rows}:
        indices = [index for index, row in enumerate(rows) if row["seed"] == seed]
        indices.sort(key=lambda index: -rows[index]["severities"][COMBINED])
        early |= set(indices[: round(share * len(indices))])
    return early
