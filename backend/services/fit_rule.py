"""When a project is trained: the rule alone, without clocks and databases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.state.unread_events import Unread

_FIRST_RETRY_S = 300.0
_LAST_RETRY_S = 3600.0


@dataclass(frozen=True)
class Past:
    """What became of the project's earlier trainings.

    Attributes:
        begun_at: When the last one began that did not fail, UTC; None if there was none.
        failures: How many failed since.
        failed_at: When the last of those ended, UTC; None if there was none.
    """

    begun_at: datetime | None = None
    failures: int = 0
    failed_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """What to do now.

    Attributes:
        reason: Why to train now, in words; None if not.
        again_s: Seconds until it is worth looking again if nothing else happens; None if it is not.
    """

    reason: str | None = None
    again_s: float | None = None


def decide(
    unread: Unread, past: Past, now: datetime, *, asked: bool, fit_after: int, fit_quiet_s: float
) -> Decision:
    """Decide whether a project is trained now.

    It is trained at once when somebody asks; when enough annotations changed, but not sooner after the
    beginning of the last training than the quiet time; and when any changed and the quiet time has passed
    since. After failures it waits, each time twice as long, from five minutes to an hour.

    Args:
        unread: Changes that no training has seen.
        past: Earlier trainings.
        now: UTC.
        asked: Whether somebody wants it now.
        fit_after: How many changed annotations are enough.
        fit_quiet_s: The quiet time in seconds.
    """
    if asked:
        return Decision("Start Training was pressed")
    if unread.newest_at is None:
        return Decision()
    enough = unread.annotations >= fit_after
    quiet = timedelta(seconds=fit_quiet_s)
    ready = now if enough else unread.newest_at + quiet
    if past.begun_at is not None:
        ready = max(ready, past.begun_at + quiet)
    if past.failed_at is not None:
        pause_s = min(_LAST_RETRY_S, _FIRST_RETRY_S * 2 ** min(past.failures - 1, 10))
        ready = max(ready, past.failed_at + timedelta(seconds=pause_s))
    if ready > now:
        return Decision(again_s=(ready - now).total_seconds())
    counted = f"{unread.annotations} or more" if enough else str(unread.annotations)
    return Decision(f"{counted} changed annotation{'s' if unread.annotations > 1 else ''}")
