"""Pictures that look the same and are labelled differently."""

from dataclasses import replace

import numpy as np

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.near_duplicate import NearDuplicate
from tests.fakes.inspected import clean_project, clean_subject, disc, drawn, issues_of

RULE = NearDuplicate()
PROJECT = clean_project()


def like(key: str, subject: Subject, noise: float = 0.01) -> Subject:
    """The subject, with nearly the same look as one of the project."""
    embedding = PROJECT[key].embedding
    assert embedding is not None
    near = embedding + noise * np.random.default_rng(0).normal(size=embedding.shape) / 4
    return replace(subject, embedding=(near / np.linalg.norm(near)).astype(np.float32))


def test_a_copy_with_other_objects_is_doubted_and_names_the_other_picture() -> None:
    other = replace(clean_subject(77), objects=(drawn(disc(80, 100, 12)),))
    (issue,) = issues_of(RULE, like("7/image", other))
    assert issue.severity >= WARN_AT
    assert "7/image" in issue.message


def test_an_empty_copy_is_doubted() -> None:
    assert issues_of(RULE, like("7/image", replace(clean_subject(77), objects=())))[0].severity >= WARN_AT


def test_a_copy_with_the_same_objects_is_not() -> None:
    same = like("7/image", PROJECT["7/image"])
    moved = replace(
        same,
        objects=tuple(
            replace(each, region=replace(each.region, left=each.region.left + 2)) for each in same.objects
        ),
    )
    for subject in (same, moved):
        assert all(issue.severity < WARN_AT for issue in issues_of(RULE, subject))


def test_other_places_of_the_same_kind_of_objects_are_no_copies() -> None:
    mirrored = like("7/image", replace(clean_subject(77), image=PROJECT["7/image"].image[:, ::-1].copy()))
    assert issues_of(RULE, replace(mirrored, objects=())) == []


def test_pictures_that_look_different_may_be_labelled_differently() -> None:
    other = replace(clean_subject(77), objects=(drawn(disc(80, 100, 12)),))
    assert issues_of(RULE, other) == []
    assert issues_of(RULE, like("7/image", other, noise=2.0)) == []


def test_pictures_without_a_description_and_of_another_release_are_left_out() -> None:
    assert issues_of(RULE, replace(clean_subject(77), embedding=None)) == []
    longer = np.eye(1, 32, dtype=np.float32)[0]
    assert issues_of(RULE, replace(clean_subject(77), embedding=longer)) == []


def test_among_thousands_the_differing_copies_are_found() -> None:
    rng = np.random.default_rng(1)
    subject = clean_subject(1)
    measured = {}
    for number in range(3000):
        embedding = rng.normal(size=16).astype(np.float32)
        measured[str(number)] = RULE.measure(
            replace(subject, embedding=embedding / np.linalg.norm(embedding))
        )
    empty = RULE.measure(replace(subject, objects=()))
    measured["copy"] = {**measured["2500"], "maps": empty["maps"]}
    usual = RULE.learn(measured)
    assert {key for key in measured if RULE.judge(key, measured[key], usual)} >= {"2500", "copy"}


def test_an_annotation_that_was_corrected_is_not_doubted_any_more() -> None:
    measured = {key: RULE.measure(subject) for key, subject in PROJECT.items()}
    same = like("7/image", PROJECT["7/image"])
    usual = RULE.learn(measured | {"new": RULE.measure(replace(same, objects=()))})
    assert RULE.judge("new", RULE.measure(replace(same, objects=())), usual)[0].severity >= WARN_AT
    assert all(issue.severity < WARN_AT for issue in RULE.judge("new", RULE.measure(same), usual))
