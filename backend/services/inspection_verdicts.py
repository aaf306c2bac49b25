"""From the issues of rules to what people are told about annotated pictures, and about tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.inspection.base import WARN_AT, Issue, Json, combined
from backend.state.inspections import ALL_RULES, Dismissal, Look, PictureKey, Verdict

_MOST_OF_RULE = 5
"""Issues of one rule that people are told about one annotated picture."""
_MOST_TOLD = 20


@dataclass(frozen=True)
class TaskVerdict:
    """What people should know of a task.

    Attributes:
        severity: Of its most doubtful annotated picture, in [0, 1].
        issues: As `Issue.to_json`, each with `annotation` and `image`; the worst first.
    """

    severity: float = 0.0
    issues: tuple[Json, ...] = ()

    @property
    def said(self) -> frozenset[tuple[Any, ...]]:
        """What is said, without how bad it is."""
        return frozenset((each["annotation"], each["rule"], *each["region_ids"]) for each in self.issues)


class Tally:
    """The issues of one annotated picture, as far as they are known. Used by one thread.

    Args:
        dismissed: Rules that are not asked any more, or `ALL_RULES`.
    """

    def __init__(self, dismissed: frozenset[str]) -> None:
        self._dismissed = dismissed
        self._worst: list[Issue] = []
        self._told: list[Issue] = []

    def asks(self, rule: str) -> bool:
        """Whether people did not accept what this rule says."""
        return not self._dismissed & {rule, ALL_RULES}

    def add(self, issues: Sequence[Issue]) -> None:
        """Take the issues of one rule."""
        ordered = sorted(issues, key=lambda issue: -issue.severity)
        self._worst += ordered[:1]
        self._told += [issue for issue in ordered if issue.severity >= WARN_AT][:_MOST_OF_RULE]

    def verdict(self) -> Verdict:
        """All of them together."""
        told = sorted(self._told, key=lambda issue: -issue.severity)[:_MOST_TOLD]
        return Verdict(round(combined(self._worst), 4), tuple(issue.to_json() for issue in told))


def tallies_of(looks: Mapping[PictureKey, Look], dismissals: Iterable[Dismissal]) -> dict[PictureKey, Tally]:
    """A tally without issues for each annotated picture that was looked at, by what people accepted."""
    rules: dict[tuple[int, str], set[str]] = {}
    for each in dismissals:
        rules.setdefault((each.annotation_id, each.content), set()).add(each.rule)
    return {
        key: Tally(
            frozenset({ALL_RULES})
            if look.accepted
            else frozenset(rules.get((key.annotation_id, look.content), ()))
        )
        for key, look in looks.items()
    }


def new_issues(verdicts: Mapping[PictureKey, Verdict], before: Mapping[PictureKey, Verdict]) -> Counter[str]:
    """How many rules tell people something about an annotated picture that they did not tell before."""
    counted: Counter[str] = Counter()
    for key, verdict in verdicts.items():
        told = {str(each["rule"]) for each in before.get(key, Verdict()).issues}
        counted.update({str(each["rule"]) for each in verdict.issues} - told)
    return counted


def by_task(verdicts: Mapping[PictureKey, Verdict]) -> dict[int, TaskVerdict]:
    """Verdicts about annotated pictures, put together by the task."""
    found: dict[int, list[tuple[PictureKey, Verdict]]] = {}
    for key, verdict in sorted(verdicts.items(), key=lambda item: item[0]):
        found.setdefault(key.task_id, []).append((key, verdict))
    return {task_id: _joined(each) for task_id, each in found.items()}


def _joined(verdicts: Sequence[tuple[PictureKey, Verdict]]) -> TaskVerdict:
    told = [(key, verdict) for key, verdict in verdicts if verdict.issues]
    issues = [
        {"annotation": key.annotation_id, "image": key.to_name, **issue}
        for key, verdict in told
        for issue in verdict.issues
    ]
    issues.sort(key=lambda issue: -float(issue["severity"]))
    severity = max((verdict.severity for _, verdict in told), default=0.0)
    return TaskVerdict(severity, tuple(issues))
