"""What the stored versions of a project tell about whether more annotations are worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.services.learning_curve import CurvePoint
from backend.services.stop_advice import Gain
from backend.state.model_store import VersionInfo

_IN_USE = "the model in use"
"""What the gate calls the version that a new one was compared with."""


@dataclass(frozen=True)
class JudgedVersion:
    """A version with the gate's figures.

    Attributes:
        info: The version.
        point: How good it was, by how many pictures it has learned; None if it was compared on nothing.
        gain: Over the version in use before; None for the first.
    """

    info: VersionInfo
    point: CurvePoint | None
    gain: Gain | None

    @property
    def passed(self) -> bool:
        """Whether the gate let it be used."""
        return self.info.gate.get("passed") is True


def judged_versions(versions: Sequence[VersionInfo], kind: str) -> list[JudgedVersion]:
    """Versions that ask the same of pictures as the newest, the oldest first.

    Args:
        versions: Of a project, in any order.
        kind: Of model; those of others are left out.
    """
    own = sorted((info for info in versions if info.kind == kind), key=lambda info: info.number)
    same = [info for info in own if info.schema == own[-1].schema]
    return [JudgedVersion(info, _point(info), _gain(info)) for info in same]


def _point(info: VersionInfo) -> CurvePoint | None:
    figures = _object(info.gate.get("figures"))
    score, examples = figures.get("score"), figures.get("examples")
    if not isinstance(score, int | float) or type(examples) is not int or not examples:
        return None
    return CurvePoint(len(info.trained_on), float(score), examples)


def _gain(info: VersionInfo) -> Gain | None:
    against = _object(_object(info.gate.get("figures")).get("against"))
    compared = _object(against.get(_IN_USE))
    values = [compared.get(name) for name in ("mean", "rival_mean", "low", "high")]
    if not all(isinstance(value, int | float) for value in values):
        return None
    mean, rival, low, high = (float(value) for value in values if value is not None)
    return Gain(mean - rival, low, high)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
