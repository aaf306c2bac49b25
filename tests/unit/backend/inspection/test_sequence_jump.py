"""Frames whose annotation is unlike both neighbours."""

from collections.abc import Mapping
from dataclasses import replace

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.sequence_jump import SequenceJump
from tests.fakes.inspected import clean_subject, disc, drawn

RULE = SequenceJump()


def film(places: Mapping[int, tuple[float, float] | None], group: str = "film") -> dict[str, Subject]:
    """Frames with a cell at a place of each, or with none."""
    subject = clean_subject(1)
    return {
        f"{group}-{frame}": replace(
            subject,
            objects=() if place is None else (drawn(disc(*place, 14)),),
            group=group,
            frame=float(frame),
        )
        for frame, place in places.items()
    }


def found(frames: Mapping[str, Subject]) -> dict[str, float]:
    measured = {key: RULE.measure(subject) for key, subject in frames.items()}
    looked_at = {key: each for key, each in measured.items() if each}
    usual = RULE.learn(looked_at) if looked_at else {}
    return {
        key: issue.severity
        for key, each in looked_at.items()
        for issue in RULE.judge(key, each, usual)
        if issue.severity >= WARN_AT
    }


STILL = {frame: (40.0, 30.0 + frame) for frame in range(10)}


def test_a_frame_unlike_both_neighbours_is_doubted() -> None:
    assert set(found(film(STILL | {4: (70.0, 90.0)}))) == {"film-4"}
    assert set(found(film({**STILL, 4: None}))) == {"film-4"}


def test_slow_and_fast_movements_are_not() -> None:
    assert found(film(STILL)) == {}
    assert found(film({frame: (40.0, 15.0 + 10 * frame) for frame in range(9)})) == {}


def test_objects_that_come_or_go_are_not() -> None:
    assert found(film({frame: place if frame < 5 else None for frame, place in STILL.items()})) == {}


def test_frames_are_ordered_by_their_place_and_sequences_are_kept_apart() -> None:
    backwards = dict(reversed(film(STILL).items()))
    elsewhere = film({frame: (70.0, 90.0) for frame in range(10)}, "other")
    assert found({**backwards, **elsewhere}) == {}


def test_the_ends_of_a_sequence_and_single_pictures_cannot_jump() -> None:
    assert found(film(STILL | {0: (70.0, 90.0)})) == {}
    assert found(film({0: (40.0, 30.0), 1: (70.0, 90.0)})) == {}
    assert RULE.measure(clean_subject(1)) == {}


def test_several_annotations_of_one_frame_are_no_sequence() -> None:
    again = {f"again-{frame}": each for frame, each in enumerate(film(STILL).values())}
    assert found({**film(STILL), **again}) == {}


def test_a_frame_that_was_corrected_is_not_doubted_any_more() -> None:
    measured = {key: RULE.measure(each) for key, each in film(STILL | {4: (70.0, 90.0)}).items()}
    usual = RULE.learn(measured)
    corrected = RULE.measure(film(STILL)["film-4"])
    assert RULE.judge("film-4", measured["film-4"], usual)[0].severity >= WARN_AT
    assert all(issue.severity < WARN_AT for issue in RULE.judge("film-4", corrected, usual))
