"""Predictions that people shall look at beside an annotation: what cleaning or inspecting it found.

They have versions of their own, which no model has, and are never taken for pre-labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

CLEANED = "cleaned"
INSPECTED = "inspect"
_REVIEW = re.compile(rf"({CLEANED}|{INSPECTED})-([0-9]{{1,9}})")


def review_version(kind: str, number: int) -> str:
    """The name of a version.

    Args:
        kind: `CLEANED` or `INSPECTED`.
        number: Of the round.
    """
    return f"{kind}-{number}"


def is_review(version: object) -> bool:
    """Whether predictions of this version are there to be reviewed, not to begin from."""
    return isinstance(version, str) and _REVIEW.fullmatch(version) is not None


def review_numbers(versions: Iterable[str], kind: str) -> list[int]:
    """Numbers of the rounds of a kind among versions, ascending."""
    matches = [_REVIEW.fullmatch(version) for version in versions]
    return sorted(int(match[2]) for match in matches if match is not None and match[1] == kind)
