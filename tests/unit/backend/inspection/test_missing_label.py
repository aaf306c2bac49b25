"""Objects that nobody gave a label."""

from dataclasses import replace

from backend.inspection.base import WARN_AT
from backend.inspection.missing_label import MissingLabel
from tests.fakes.inspected import clean_subject, disc, drawn, severities, with_first

RULE = MissingLabel()


def test_no_label_is_worse_than_one_that_is_gone_and_both_are_doubted() -> None:
    none, gone = (severities(RULE, with_first(drawn(disc(30, 30, 14), name))) for name in ("", "old"))
    assert none["region-0"] > gone["region-0"] >= WARN_AT
    assert len(none) == len(gone) == 1


def test_labels_that_can_be_chosen_are_not_doubted() -> None:
    assert severities(RULE, clean_subject(77)) == {}


def test_where_there_are_no_labels_none_is_missing() -> None:
    unlabelled = replace(with_first(drawn(disc(30, 30, 14), "")), classes=())
    assert severities(RULE, unlabelled) == {}
