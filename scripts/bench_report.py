"""Figures of the benchmarks: summarised, printed, written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from rich.console import Console
from rich.table import Table

from scripts.machine import describe_machine

Figures: TypeAlias = Mapping[str, Mapping[str, float]]
"""Rows of a table, by their titles."""


def summary(times_ms: Sequence[float], baseline_ms: float | None = None) -> dict[str, float]:
    """Describe waiting times.

    Args:
        times_ms: Milliseconds, at least one.
        baseline_ms: A median to compare with.
    """
    median, p95 = np.percentile(times_ms, [50, 95])
    row = {"n": len(times_ms), "median_ms": median, "p95_ms": p95, "max_ms": max(times_ms)}
    if baseline_ms is not None:
        row["ratio"] = median / baseline_ms
    return {key: round(float(value), 2) for key, value in row.items()}


def report(
    title: str, figures: Figures, json_file: Path | None, more: Mapping[str, Any] | None = None
) -> None:
    """Print tables, one for neighbouring rows with equal columns, and write a file.

    Args:
        title: What was measured.
        figures: What was found.
        json_file: File to write, if any.
        more: Further JSON values for the file.
    """
    machine = describe_machine()
    console = Console()
    console.print(f"[bold]{title}[/bold]\n{machine}")
    for columns, rows in groupby(figures.items(), key=lambda item: tuple(item[1])):
        table = Table("", *(column.replace("_", " ") for column in columns))
        for name, row in rows:
            table.add_row(name, *(f"{value:g}" for value in row.values()))
        console.print(table)
    if json_file is not None:
        content = {"machine": machine, "title": title, "figures": figures} | dict(more or {})
        json_file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
