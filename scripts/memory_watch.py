"""How much memory a running service holds (Linux)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from scripts.errors import NothingMeasuredError

_PROC = Path("/proc")
_BYTES = re.compile(r"^(maskloop_\w*bytes\w*(?:\{[^}]*\})?) ([0-9.e+]+)$", re.MULTILINE)


def resident_bytes(pid: int) -> int:
    """Physical memory of a process and of everything it started, in bytes; shared pages count again.

    Args:
        pid: Number of the process.

    Raises:
        NothingMeasuredError: There is no such process, or this is not Linux.
    """
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
        children = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError as error:
        raise NothingMeasuredError(f"The memory of process {pid} cannot be read: {error}.") from error
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident_bytes(int(child)) for child in children)


def sizes_in_metrics(metrics: str) -> dict[str, int]:
    """The service's own sizes in bytes, by the name and labels of the metric.

    Args:
        metrics: Answer of `/metrics`.
    """
    return {match[1]: int(float(match[2])) for match in _BYTES.finditer(metrics)}
