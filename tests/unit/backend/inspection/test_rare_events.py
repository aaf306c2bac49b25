"""How rare something is, and what follows."""

from collections.abc import Mapping

from backend.inspection.base import WARN_AT, Json
from backend.inspection.fragments import Fragments

RULE = Fragments()
BROKEN: Json = {"classes": ["cell"], "events": [["a", "cell", [0, 0, 9, 9], 1.5, "In pieces."]]}
WHOLE: Json = {"classes": ["cell"], "events": []}


def severity(n_broken: int, n_whole: int, more: Mapping[str, Json] | None = None) -> float:
    """Of one of the broken ones."""
    measured = {f"broken-{number}": BROKEN for number in range(n_broken)}
    measured |= {f"whole-{number}": WHOLE for number in range(n_whole)}
    (issue,) = RULE.judge("broken-0", BROKEN, RULE.learn({**measured, **(more or {})}))
    return issue.severity


def test_the_only_one_is_doubted_from_the_first_picture_on() -> None:
    assert severity(1, 0) >= WARN_AT
    assert severity(1, 100) >= WARN_AT


def test_the_more_others_have_it_the_less_it_is_doubted() -> None:
    shares = [severity(n_broken, 100 - n_broken) for n_broken in (1, 2, 6, 12, 50)]
    assert shares == sorted(shares, reverse=True)
    assert shares[1] >= WARN_AT > shares[2]
    assert shares[-1] < 0.01


def test_a_new_class_is_judged_by_the_others() -> None:
    other = {
        f"other-{number}": {
            "classes": ["grain"],
            "events": [["b", "grain", [0, 0, 9, 9], 1.5, "In pieces."]],
        }
        for number in range(50)
    }
    assert severity(1, 0, other) < WARN_AT <= severity(1, 0)


def test_what_nobody_learned_about_can_be_judged() -> None:
    (issue,) = RULE.judge("new", BROKEN, {})
    assert issue.severity >= WARN_AT
