"""Several people's statements about one picture, made into one.

Objects of one class whose pixels overlap with an IoU of at least 0.5 are the same object. The majority of
people decides whether an object is there, and for each of its pixels the majority of those who drew it. In a
tie the newest statement decides: of two people it is the newest alone that counts.

STAPLE (Warfield et al., IEEE TMI 23, 2004), which also weighs how reliable each person is, needs SimpleITK in
Python; no smaller maintained package has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.label_schema import Question
from models.regions import Region

SAME_OBJECT_IOU = 0.5

_Drawn = tuple[int, Region]
"""Who drew it, 0 = the newest statement, and what."""


def merged_regions(opinions: Sequence[Sequence[Region]]) -> tuple[Region, ...]:
    """The objects that the majority drew.

    Args:
        opinions: Each person's objects, the newest statement first; at least one.

    Returns:
        Objects in the order of the newest statement, then those that it lacks. One opinion is returned as it
        is.
    """
    if len(opinions) == 1:
        return tuple(opinions[0])
    objects: list[list[_Drawn]] = []
    for person, regions in enumerate(opinions):
        matches = _matches(regions, objects)
        for number, region in enumerate(regions):
            if number in matches:
                objects[matches[number]].append((person, region))
            else:
                objects.append([(person, region)])
    agreed = [drawn for drawn in objects if _wins([person for person, _ in drawn], len(opinions))]
    return tuple(_majority([region for _, region in drawn]) for drawn in agreed)


def merged_answers(
    opinions: Sequence[Mapping[str, tuple[str, ...]]], questions: Sequence[Question]
) -> dict[str, tuple[str, ...]]:
    """The answers that most people gave; of questions with several answers each that the majority gave.

    Args:
        opinions: Each person's answers by the name of the question, the newest statement first.
        questions: What was asked.

    Returns:
        Answers by the name of the question, in its order; questions that nobody answered are missing, and
        one with several answers may have none.
    """
    merged = {}
    for question in questions:
        given = [opinion[question.name] for opinion in opinions if question.name in opinion]
        if given:
            merged[question.name] = _several(question, given) if question.multiple else _one(given)
    return merged


def _matches(regions: Sequence[Region], objects: Sequence[Sequence[_Drawn]]) -> dict[int, int]:
    """Which object each region shows, best overlap first, each object once; the others are missing."""
    overlaps = [
        (region.iou(drawn[0][1]), number, place)
        for number, region in enumerate(regions)
        for place, drawn in enumerate(objects)
        if region.class_name == drawn[0][1].class_name
    ]
    found: dict[int, int] = {}
    taken: set[int] = set()
    for overlap, number, place in sorted(overlaps, key=lambda each: -each[0]):
        if overlap >= SAME_OBJECT_IOU and number not in found and place not in taken:
            found[number] = place
            taken.add(place)
    return found


def _wins(voters: Collection[int], n_people: int) -> bool:
    return 2 * len(voters) > n_people or (2 * len(voters) == n_people and 0 in voters)


def _majority(drawn: Sequence[Region]) -> Region:
    """The pixels that most have; never empty, as each shares at least half of the newest."""
    boxes = np.array([region.box for region in drawn])
    top, left = (int(edge) for edge in boxes[:, :2].min(axis=0))
    bottom, right = (int(edge) for edge in boxes[:, 2:].max(axis=0))
    masks = [
        replace(region, top=region.top - top, left=region.left - left).full_mask((bottom - top, right - left))
        for region in drawn
    ]
    votes = np.sum(masks, axis=0, dtype=np.int32)
    inside = (2 * votes > len(drawn)) | ((2 * votes == len(drawn)) & masks[0])
    frame = replace(drawn[0], mask=np.ones_like(inside), top=top, left=left)
    return frame.with_mask(inside) or drawn[0]


def _one(given: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    votes = Counter(answers[0] for answers in given)  # of equal ones the first counted, which is the newest
    return (votes.most_common(1)[0][0],)


def _several(question: Question, given: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Answers with a majority, which may be that none holds; else those of the newest statement."""
    voters = {
        answer: [person for person, answers in enumerate(given) if answer in answers]
        for answer in question.answers
    }
    agreed = tuple(answer for answer in question.answers if _wins(voters[answer], len(given)))
    if agreed or _wins([person for person, answers in enumerate(given) if not answers], len(given)):
        return agreed
    return tuple(answer for answer in question.answers if answer in given[0])
