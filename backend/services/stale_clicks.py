"""Which requests nobody waits for any more.

The editor sends a request with every click and shows only the answer to the last one it sent, whenever it
comes. So a request is stale as soon as another has arrived that holds all of its prompts and more: the same
person clicked again. Prompts are recognised by the ids that the editor makes up at random, with their place,
so two people on one task never meet here, and a point that was moved or undone makes no request stale. The
answer to a stale request is an empty list, which the editor does not even look at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from backend.labelstudio.prompts import PromptGroup

TaskKey: TypeAlias = tuple[int | None, int | None]
"""Numbers of the project and of the task."""


@dataclass(eq=False)
class _Request:
    prompts: frozenset[object]
    stale: bool = False


class StaleClicks:
    """The requests that are being answered. Safe between threads; the lock guards only the lists."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[TaskKey, list[_Request]] = {}

    @property
    def open_tasks(self) -> int:
        """Tasks that somebody waits for an answer about."""
        with self._lock:
            return len(self._open)

    @contextmanager
    def watch(self, task: TaskKey, groups: Sequence[PromptGroup]) -> Iterator[Callable[[], bool]]:
        """Announce a request for the time of the `with` block.

        Args:
            task: Whose picture it is about.
            groups: All its prompts.

        Returns:
            A function that says whether the request is stale by now.
        """
        request = _Request(_identities(groups))
        with self._lock:
            others = self._open.setdefault(task, [])
            for other in others:
                other.stale |= bool(other.prompts) and other.prompts < request.prompts
            others.append(request)
        try:
            yield lambda: request.stale
        finally:
            with self._lock:
                others.remove(request)
                if not others:
                    del self._open[task]


def _identities(groups: Sequence[PromptGroup]) -> frozenset[object]:
    """Every prompt with its id; nothing when the id of one is not known."""
    found: set[object] = set()
    for group in groups:
        prompts = [*([group.prompts.box] if group.prompts.box else []), *group.prompts.clicks]
        if len(prompts) != len(group.prompt_ids):
            return frozenset()
        found |= {
            (group.to_name, group.label, prompt_id, prompt)
            for prompt_id, prompt in zip(group.prompt_ids, prompts, strict=True)
        }
    return frozenset(found)
