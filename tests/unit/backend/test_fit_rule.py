import itertools
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.services.fit_rule import Decision, Past, decide
from backend.state.unread_events import Unread

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
AFTER, QUIET_S = 8, 60.0


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def decided(
    unread: Unread, past: Past | None = None, *, now: datetime = NOW, asked: bool = False
) -> Decision:
    return decide(unread, past or Past(), now, asked=asked, fit_after=AFTER, fit_quiet_s=QUIET_S)


def test_nothing_new_is_no_reason_and_no_other_look() -> None:
    assert decided(Unread(0, None)) == Decision()


def test_whoever_asks_gets_it_at_once_even_with_nothing_new() -> None:
    past = Past(begun_at=ago(1), failures=3, failed_at=ago(1))
    assert decided(Unread(0, None), past, asked=True).reason == "Start Training was pressed"


def test_enough_changes_are_a_reason_at_once() -> None:
    assert decided(Unread(8, ago(0))).reason == "8 or more changed annotations"


@pytest.mark.parametrize(("since_s", "again_s"), [(0, 60.0), (45, 15.0), (59.5, 0.5)])
def test_fewer_changes_wait_for_the_quiet_time(since_s: float, again_s: float) -> None:
    assert decided(Unread(7, ago(since_s))) == Decision(again_s=again_s)


def test_fewer_changes_are_a_reason_when_nothing_more_comes() -> None:
    assert decided(Unread(1, ago(60))).reason == "1 changed annotation"


def test_two_trainings_do_not_begin_within_the_quiet_time() -> None:
    assert decided(Unread(8, ago(0)), Past(begun_at=ago(20))) == Decision(again_s=40.0)


@pytest.mark.parametrize(
    ("failures", "pause_s"), [(1, 300), (2, 600), (3, 1200), (4, 2400), (5, 3600), (99, 3600)]
)
def test_after_each_failure_it_waits_longer(failures: int, pause_s: float) -> None:
    past = Past(failures=failures, failed_at=ago(pause_s - 10))
    assert decided(Unread(8, ago(0)), past) == Decision(again_s=10.0)
    assert decided(Unread(8, ago(0)), past, now=NOW + timedelta(seconds=11)).reason is not None


class Simulation:
    """A project over time: the rule is asked at each change and whenever it wants to be asked again."""

    def __init__(self, fit_s: float) -> None:
        self.fit_s = fit_s
        self.begun: list[float] = []
        self.learned: list[int] = []
        self.arrived: list[float] = []
        self.again_at: float | None = None

    def look(self, at: float) -> None:
        read = self.learned[-1] if self.learned else 0
        busy_until = self.begun[-1] + self.fit_s if self.begun else 0.0
        new = self.arrived[read:]
        unread = Unread(min(len(new), AFTER), NOW + timedelta(seconds=new[-1]) if new else None)
        past = Past(begun_at=NOW + timedelta(seconds=self.begun[-1]) if self.begun else None)
        decision = decided(unread, past, now=NOW + timedelta(seconds=at))
        self.again_at = None
        if decision.reason is None:
            self.again_at = None if decision.again_s is None else at + decision.again_s + 1e-3
        elif at < busy_until:
            self.again_at = busy_until
        else:
            self.begun.append(at)
            self.learned.append(len(self.arrived))

    def run(self, gaps: list[float]) -> None:
        clock = 0.0
        for gap in gaps:
            self.look_until(clock + gap)
            clock += gap
            self.arrived.append(clock)
            self.look(clock)
        self.look_until(clock + 10 * QUIET_S + 10 * self.fit_s)

    def look_until(self, end: float) -> None:
        while self.again_at is not None and self.again_at <= end:
            self.look(self.again_at)


@given(
    gaps=st.lists(st.floats(0, 200), min_size=1, max_size=60),
    fit_s=st.sampled_from([0.5, 20.0, 300.0]),
)
def test_every_change_is_learned_from_and_trainings_keep_their_distance(
    gaps: list[float], fit_s: float
) -> None:
    project = Simulation(fit_s)
    project.run(gaps)
    assert project.learned[-1] == len(gaps)
    starts = project.begun
    assert all(later - sooner >= QUIET_S for sooner, later in itertools.pairwise(starts))
    assert len(set(project.learned)) == len(project.learned), "a training without anything new"
    waits = [next(start for start in starts if start >= arrived) - arrived for arrived in project.arrived]
    assert max(waits) <= 8 * QUIET_S + 2 * fit_s, "a change waited for ever"


@given(gap_s=st.floats(0.001, 0.06), fit_s=st.floats(0.1, 500))
def test_a_thousand_changes_in_a_minute_make_two_trainings_at_most(gap_s: float, fit_s: float) -> None:
    project = Simulation(fit_s)
    project.run([gap_s] * 1000)
    assert len(project.begun) <= 2
    assert project.learned[-1] == 1000
