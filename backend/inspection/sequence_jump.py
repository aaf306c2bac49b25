"""Frames whose annotation is unlike both neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from backend.inspection.base import InspectionRule, Issue, Json, Subject, graded
from backend.inspection.class_maps import class_maps, difference, packed, unpacked

_SIDE = 16
_LEAST = 0.2
"""Jump that is worth a warning at the least."""
_TIMES_USUAL = 3.0
"""Jump that is worth a warning by the usual change from frame to frame."""


class SequenceJump(InspectionRule):
    """Compares each frame with the one before and the one after.

    The jump is how much more it differs from the more similar of them than they differ from each other, on
    a grid of 16 by 16 places. It is compared with the usual change between neighbours in the sequence.
    """

    name = "sequence-jump"
    higher_is_worse_because = (
        "it differs more from its neighbours in the sequence than they do from each other"
    )

    def measure(self, subject: Subject) -> Json:
        """Place in the sequence, and where the objects are; see the base class."""
        if not subject.group or subject.frame is None:
            return {}
        maps = class_maps(subject.objects, subject.size_hw, _SIDE)
        return {"group": subject.group, "frame": subject.frame, "maps": packed(maps)}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """The neighbours of frames that jump, and what is doubtful in their sequence; see the base class."""
        groups: dict[str, dict[float, str]] = {}
        for key, each in measured.items():
            # Of several annotations of a frame one is taken; that people disagree is another rule's matter.
            groups.setdefault(each["group"], {}).setdefault(each["frame"], key)
        usual: dict[str, Any] = {}
        for frames in groups.values():
            keys = [frames[place] for place in sorted(frames)]
            maps = [unpacked(measured[key]["maps"], _SIDE) for key in keys]
            steps = [difference(one, other) for one, other in pairwise(maps)]
            doubtful = max(_LEAST, _TIMES_USUAL * float(np.median(steps))) if steps else _LEAST
            for before, key, after in zip(keys, keys[1:], keys[2:], strict=False):
                texts = [measured[each]["maps"] for each in (before, key, after)]
                if _jump(*texts) > doubtful / 4:
                    usual[key] = {"before": texts[0], "after": texts[2], "doubtful": doubtful}
        return usual

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """An issue if it jumps; see the base class."""
        if key not in usual:
            return []
        # Compared again: the annotation may have been corrected since.
        jump = _jump(usual[key]["before"], measured["maps"], usual[key]["after"])
        if jump <= 0:
            return []
        message = f"Unlike the frames before and after, by {jump:.0%} more than these are unlike each other."
        return [Issue(self.name, graded(jump, usual[key]["doubtful"]), message)]


def _jump(*texts: Mapping[str, str]) -> float:
    """How much more a frame differs from the more similar of its neighbours than they do from each other."""
    before, frame, after = (unpacked(text, _SIDE) for text in texts)
    return min(difference(before, frame), difference(frame, after)) - difference(before, after)
