"""Pictures in which nothing was drawn."""

from dataclasses import replace

from backend.inspection.base import WARN_AT
from backend.inspection.empty_annotation import EmptyAnnotation
from tests.fakes.inspected import clean_project, clean_subject, issues_of

RULE = EmptyAnnotation()
EMPTY = replace(clean_subject(77), objects=())


def test_an_empty_annotation_is_doubted_where_all_others_have_objects() -> None:
    (issue,) = issues_of(RULE, EMPTY)
    assert issue.severity >= WARN_AT
    assert issue.message == "Nothing was drawn; 30 of 30 other annotations have objects."
    assert issues_of(RULE, clean_subject(77)) == []


def test_where_many_are_empty_or_few_are_known_it_is_not_doubted() -> None:
    half = {key: EMPTY if number % 2 else each for number, (key, each) in enumerate(clean_project().items())}
    assert issues_of(RULE, EMPTY, half)[0].severity < 0.1
    assert issues_of(RULE, EMPTY, clean_project(3))[0].severity < WARN_AT
    assert RULE.judge("new", RULE.measure(EMPTY), {})[0].severity < 0.1
