"""Inspects annotations: measures what is new, learns what is usual in the project, judges by that.

Measuring needs the picture and takes a moment; it is done once for each annotation and kept. It is done anew
when anything changes that rules are shown, when the rules change, and when another trained version is in use:
but a measurement by a version that had not learned from the annotation is not replaced by one that has.
Learning and judging look at numbers alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

import backend.inspection
from backend.inspection.base import Belief, InspectionRule, Json
from backend.labelstudio.submissions import AnnotatedTask
from backend.services.inspection_subjects import AnnotatedSubject, InspectionSubjects
from backend.services.inspection_verdicts import Tally, TaskVerdict, by_task, new_issues, tallies_of
from backend.state.inspections import (
    ALL_RULES,
    Dismissal,
    Inspections,
    Look,
    Measured,
    PictureKey,
)
from backend.state.inspections_due import InspectionsDue
from models.arrays import Image
from models.errors import MaskloopError

_STALE = 50
"""What is usual is learned anew when one in so many annotated pictures has changed."""


class Believing(Protocol):
    """What a trained version believes; see `Beliefs`."""

    version: str

    def of(self, key: str, image: Image) -> Belief:
        """What is believed of a picture of a task."""


@dataclass(frozen=True)
class TaskLook:
    """What was seen in a task.

    Attributes:
        task_id: The task.
        keys: All its annotated pictures.
        measured: Those that had to be measured.
        confirmed: Those whose measurements by an earlier version stay, as this version learned from them.
        left_out: What cannot be inspected, by the reason.
        problems: Why annotated pictures could not be measured; they are inspected the next time.
    """

    task_id: int
    keys: frozenset[PictureKey] = frozenset()
    measured: tuple[Measured, ...] = ()
    confirmed: tuple[PictureKey, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    problems: Mapping[PictureKey, str] = field(default_factory=dict)


class Inspection:
    """Inspects one project. `look` may be called by several threads, the rest by one.

    Args:
        project_id: The project.
        subjects: Makes what rules look at.
        store: Keeps what was found out.
        figures: Counts what people are told.
        rules: By name; all of them measure.
        judging: Names of the rules that judge; None for all.
        beliefs: The trained version in use; None if there is none.
    """

    def __init__(
        self,
        project_id: int,
        subjects: InspectionSubjects,
        store: Inspections,
        figures: InspectionsDue,
        rules: Mapping[str, InspectionRule],
        *,
        judging: Collection[str] | None = None,
        beliefs: Believing | None = None,
    ) -> None:
        self._project_id = project_id
        self._subjects = subjects
        self._store = store
        self._figures = figures
        self._rules = rules
        self._judging = [name for name in rules if judging is None or name in judging]
        self._beliefs = beliefs
        self._usual: dict[str, Json] | None = None
        self._n_known = self._n_changed = 0

    @property
    def version(self) -> str:
        """The trained version that is asked; "" for none."""
        return "" if self._beliefs is None else self._beliefs.version

    def known(self, task_id: int | None = None) -> dict[PictureKey, Look]:
        """The looks that were taken before, at one task or at all.

        Raises:
            DatabaseError: They cannot be read.
        """
        return self._store.looks(self._project_id, task_id)

    def look(self, task: AnnotatedTask, known: Mapping[PictureKey, Look]) -> TaskLook:
        """Measure what is new in a task. Changes nothing.

        Args:
            task: With its annotations.
            known: The looks that were taken before.
        """
        left_out: Counter[str] = Counter()
        keys, measured, confirmed, problems = set(), [], [], {}
        for subject in self._subjects.of_task(task, left_out):
            keys.add(subject.key)
            before = known.get(subject.key)
            try:
                found = self._measure(subject, before)
            except MaskloopError as error:  # the picture is missing, perhaps for a moment
                problems[subject.key] = str(error)
                continue
            if found is not None and before is not None and _is_kept(before, found.look):
                confirmed.append(subject.key)
            elif found is not None:
                measured.append(found)
        return TaskLook(task.id, frozenset(keys), tuple(measured), tuple(confirmed), left_out, problems)

    def keep(self, looks: Sequence[TaskLook]) -> None:
        """Keep what was seen in tasks, and forget what is no longer in them.

        Raises:
            DatabaseError: It cannot be stored.
        """
        if confirmed := [key for look in looks for key in look.confirmed]:
            self._store.confirm(self._project_id, confirmed, self.version)
        if measured := [each for look in looks for each in look.measured]:
            self._store.keep(self._project_id, measured)
        self._n_changed += len(measured)

    def forget_but(self, keys: Collection[PictureKey], task_id: int | None = None) -> None:
        """Forget the annotated pictures that are gone from a task, or from the project.

        Raises:
            DatabaseError: They cannot be dropped.
        """
        if gone := set(self.known(task_id)) - set(keys):
            self._store.forget(self._project_id, gone)
            self._n_changed += len(gone)

    def forget_all(self) -> None:
        """Forget everything about the project but what people accepted.

        Raises:
            DatabaseError: It cannot be dropped.
        """
        self._store.forget_project(self._project_id)
        self._usual = None

    def judge_all(self) -> dict[int, TaskVerdict]:
        """Learn what is usual, and say what is doubtful in the whole project.

        Returns:
            By the task's number, all tasks that were looked at.

        Raises:
            DatabaseError: What is known cannot be read.
        """
        looks = self.known()
        tallies = tallies_of(looks, self._store.dismissals(self._project_id))
        usual = {}
        for name in self._judging:
            measured = self._measured(name)
            usual[name] = self._learned(name, measured)
            self._judge(name, measured, usual[name], tallies)
        self._store.learn(self._project_id, rules_digest(), usual)
        self._usual, self._n_known, self._n_changed = usual, len(looks), 0
        return self._decide(tallies)

    def judge_task(self, task_id: int) -> TaskVerdict:
        """Say what is doubtful in a task, by what was learned last.

        Raises:
            DatabaseError: What is known cannot be read.
        """
        if self._usual is None:
            self._usual = self._store.usual(self._project_id, rules_digest())
            self._n_known = len(self.known())
        tallies = tallies_of(self.known(task_id), self._store.dismissals(self._project_id, task_id))
        for name in self._judging:
            measured = self._measured(name, task_id)
            usual = self._usual.get(name) or self._learned(name, measured)
            self._judge(name, measured, usual, tallies)
        return self._decide(tallies).get(task_id, TaskVerdict())

    def judge_again(self) -> dict[int, TaskVerdict]:
        """Learn anew what is usual if enough has changed, and judge the whole project by it.

        Returns:
            By the task's number, those about which something else has to be said now.

        Raises:
            DatabaseError: What is known cannot be read.
        """
        if self._n_changed * _STALE <= self._n_known:
            return {}
        before = by_task(self._store.verdicts(self._project_id))
        return {
            number: each
            for number, each in self.judge_all().items()
            if each.said != before.get(number, TaskVerdict()).said
        }

    def dismiss(self, task_id: int, rule: str = ALL_RULES) -> int:
        """Accept what is doubtful about a task's annotations as they are now.

        Args:
            task_id: The task.
            rule: Name of a rule, or `ALL_RULES`.

        Returns:
            How many annotated pictures that concerns.

        Raises:
            DatabaseError: It cannot be stored.
        """
        looks = self.known(task_id)
        accepted = {Dismissal(key.annotation_id, rule, look.content) for key, look in looks.items()}
        self._store.dismiss(self._project_id, task_id, accepted)
        return len(looks)

    def _measure(self, subject: AnnotatedSubject, before: Look | None) -> Measured | None:
        """Measure a subject; None if what was measured before still holds."""
        digest = hashlib.sha256(f"{subject.digest} {subject.accepted} {rules_digest()}".encode()).hexdigest()
        if before is not None and before.digest == digest and self.version in ("", before.version):
            return None
        shown = subject.subject(self._belief)
        learned = shown.belief is not None and shown.belief.learned
        look = Look(digest, subject.content, subject.accepted, self.version, learned)
        values = {name: rule.measure(shown) for name, rule in self._rules.items()}
        return Measured(subject.key, look, {name: each for name, each in values.items() if each})

    def _belief(self, key: str, image: Image) -> Belief | None:
        return None if self._beliefs is None else self._beliefs.of(key, image)

    def _learned(self, rule: str, measured: Mapping[PictureKey, Json]) -> Json:
        by_text = {str(key): each for key, each in measured.items()}
        return self._rules[rule].learn(by_text) if by_text else {}

    def _measured(self, rule: str, task_id: int | None = None) -> dict[PictureKey, Json]:
        return self._store.measured(self._project_id, rule, task_id)

    def _judge(
        self,
        name: str,
        measured: Mapping[PictureKey, Json],
        usual: Json,
        tallies: Mapping[PictureKey, Tally],
    ) -> None:
        rule = self._rules[name]
        for key, each in measured.items():
            tally = tallies.get(key)
            if tally is not None and tally.asks(name):
                tally.add(rule.judge(str(key), each, usual))

    def _decide(self, tallies: Mapping[PictureKey, Tally]) -> dict[int, TaskVerdict]:
        """Keep the verdicts that are new, and put those of a task together."""
        verdicts = {key: tally.verdict() for key, tally in tallies.items()}
        tasks = {key.task_id for key in verdicts}
        before = self._store.verdicts(self._project_id, next(iter(tasks)) if len(tasks) == 1 else None)
        changed = {key: verdict for key, verdict in verdicts.items() if verdict != before.get(key)}
        self._store.judge(self._project_id, changed)
        self._figures.count_issues(new_issues(changed, before))
        return by_task(verdicts)


@cache
def rules_digest() -> str:
    """Changes with the code of the rules."""
    digest = hashlib.sha256()
    for file in sorted(Path(backend.inspection.__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is_kept(before: Look, found: Look) -> bool:
    """Whether a measurement stays though another version was asked since."""
    return before.digest == found.digest and before.version != "" and found.learned and not before.learned
