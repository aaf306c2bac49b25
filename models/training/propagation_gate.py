"""Whether a neighbour's objects, moved along, make better pre-labels than a trained network.

Only masks are compared: answers to questions always come from the network. The network has not learned from
the pictures it is judged by, nor from their neighbours, while people's masks of the neighbours are taken
over: as in a sequence that somebody begins to annotate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import MaskloopError
from models.label_schema import LabelSchema
from models.prelabel.neighbours import REACH, carried_over
from models.training.examples import Example
from models.training.gate import compare
from models.training.prelabel_scores import prelabel_scores

KEY = "propagation"
"""Name of the outcome among a fit's metrics."""
_FEWEST = 3


def judge_propagation(
    judged: Sequence[Example],
    annotated: Sequence[Example],
    network: Mapping[str, Mapping[str, float]],
    schema: LabelSchema,
) -> dict[str, Any]:
    """Compare the two on examples that have an annotated neighbour to take objects over from.

    Args:
        judged: Examples to compare on.
        annotated: All examples, among which neighbours are looked for.
        network: The network's figures of judged examples by their keys, see `prelabel_scores`; those that
            lack a "dice" are left out.
        schema: The classes that count.

    Returns:
        Nothing if there is no such example, else plain JSON values under `KEY`: "use", whether neighbours
        come first from now on; "examples", how many decided; "score" and "network", the mean Dice of either;
        "low" and "high", the 95 % confidence interval of the difference; "reach", how many frames the
        neighbours were away at most. Used are neighbours that are better on average, and more probably better
        by the gate's tolerance than not.
    """
    groups: dict[str, list[Example]] = {}
    for example in annotated:
        groups.setdefault(example.group, []).append(example)
    ours, theirs, reach = [], [], 0.0
    for example in judged:
        neighbour = _nearest(example, groups.get(example.group, ()))
        reached = network.get(example.key, {}).get("dice")
        if neighbour is None or reached is None:
            continue
        dice = _dice(example, neighbour, schema)
        if dice is not None:
            ours.append(dice)
            theirs.append(reached)
            reach = max(reach, _distance(example, neighbour))
    if not ours:
        return {}
    against = compare(ours, theirs)
    better = against.mean > against.rival_mean and compare(theirs, ours).worse
    return {
        KEY: {
            "use": better and len(ours) >= _FEWEST,
            "examples": len(ours),
            "score": round(against.mean, 4),
            "network": round(against.rival_mean, 4),
            "low": round(against.low, 4),
            "high": round(against.high, 4),
            "reach": reach,
        }
    }


def _nearest(example: Example, group: Sequence[Example]) -> Example | None:
    """The nearest neighbour whose objects are known, of equally near ones the earlier."""
    if example.frame is None:
        return None
    known = (each for each in group if each.key != example.key and each.regions is not None)
    near = [each for each in known if _distance(example, each) <= REACH]
    return min(near, key=lambda each: (_distance(example, each), each.frame), default=None)


def _distance(one: Example, other: Example) -> float:
    if one.frame is None or other.frame is None:
        return float("inf")
    return abs(one.frame - other.frame)


def _dice(example: Example, neighbour: Example, schema: LabelSchema) -> float | None:
    """What the neighbour's objects reach; None if the network would be asked instead."""
    try:
        image = example.load_image()
        found = carried_over(neighbour.regions or (), neighbour.load_image(), image)
    except MaskloopError:  # a picture that is gone, or of another size
        return None
    if found is None:
        return None
    return prelabel_scores(found, example, schema, (image.shape[0], image.shape[1])).get("dice")
