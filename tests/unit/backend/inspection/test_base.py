"""Severities and their combination."""

import pytest

from backend.inspection.base import WARN_AT, Issue, combined, graded


def test_a_severity_reaches_the_warning_at_the_doubtful_value_and_rises() -> None:
    assert graded(0, 3) == 0
    assert graded(3, 3) == WARN_AT
    assert graded(6, 3) == pytest.approx(0.8)
    assert graded(1e9, 3) <= 1


def test_issues_survive_being_stored() -> None:
    issue = Issue("holes", 0.75, "Two small holes.", ("a", "b"), (1, 2, 3, 4))
    assert Issue.from_json(issue.to_json()) == issue
    assert Issue.from_json(Issue("empty", 1.0, "Nothing was drawn.").to_json()).box is None


def test_several_rules_together_doubt_more_than_one_but_one_rule_is_counted_once() -> None:
    holes = Issue("holes", 0.5, "A hole.")
    size = Issue("unusual-size", 0.4, "Large.")
    assert combined([]) == 0
    assert combined([holes, holes, Issue("holes", 0.2, "Another.")]) == pytest.approx(0.5)
    assert combined([holes, size]) == pytest.approx(0.7)
