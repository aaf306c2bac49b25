"""A smart request as a whole: its clicks and rectangles, and what the clicking annotator's draft adds.

* Strokes of hint brushes are rows of clicks on the object that is being clicked.
* A first click inside an object with the same label means that object: it is corrected instead of begun anew.
  The editor sends no click on a region that it shows, so the annotator has hidden it. The answer carries the
  region's id, and the editor then replaces the region when the answer is accepted. While there is no draft
  the objects are those of the pre-labels.
* All other objects of the draft are labelled already. Pre-labels are not: they may have been deleted a moment
  ago, and nobody has confirmed them.

The editor saves drafts 5 s after the first change, so the draft is behind the screen. A stroke that helped
with one object would be joined to the next one if that is clicked before the draft knows of the first. So
strokes are remembered with the points that they were used with; they are not used with other points, unless
a later draft shows that the points are gone and no object came of them. This memory is of one process and
bounded; without it only the order in the draft tells.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache

from backend.labelstudio.annotations import AnnotatedRegion
from backend.labelstudio.drafts import DraftContent, DraftReader, Stroke
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.prompts import PromptGroup, read_prompts
from models.prompts import Click, Prompts

_REMEMBERED_STROKES = 10_000


@dataclass(frozen=True)
class _Use:
    """Of a stroke: with which prompts, and when the draft had been saved of which it was read."""

    prompt_ids: frozenset[str]
    draft_saved_at: str

    def was_rejected(self, task: Task) -> bool:
        """Whether a later draft has none of the prompts, given that no object follows the stroke in it."""
        waiting = {item.get("id") for item in task.draft if isinstance(item, Mapping)}
        return task.draft_saved_at != self.draft_saved_at and not self.prompt_ids & waiting


class ClickRequests:
    """Reads smart requests. Safe between threads, which share what was decoded of drafts."""

    def __init__(self) -> None:
        self._drafts = DraftReader()
        self._lock = threading.Lock()
        self._used_with: LRUCache[tuple[int | None, str], _Use] = LRUCache(_REMEMBERED_STROKES)

    def read(
        self, task: Task, items: Sequence[Mapping[str, Any]], config: LabelConfig
    ) -> tuple[PromptGroup, ...]:
        """Read the prompts of a request, one group per object, in the order in which they were begun.

        Args:
            task: The open task with the annotator's draft.
            items: The result items of the request's context.
            config: The project's labelling config.

        Returns:
            Only objects that something positive points at, or that are corrected.

        Raises:
            RequestError: An item is not what the editor sends; the message names the field.
            PromptError: A prompt lies outside the picture.
        """
        groups = read_prompts(items, config, needs_positive=False)
        objects_on = Counter(group.to_name for group in groups)
        joined = []
        for group in groups:
            draft = self._drafts.read(task.draft, config, group.to_name, group.size_hw)
            if objects_on[group.to_name] > 1:  # nothing says which of them a stroke belongs to
                draft = replace(draft, strokes=())
            draft = replace(draft, strokes=self._unspent(task, draft.strokes, frozenset(group.prompt_ids)))
            prelabels = self._drafts.read(task.prelabels, config, group.to_name, group.size_hw)
            joined.append(_with_draft(group, draft, prelabels.objects))
        return tuple(group for group in joined if group.prompts.has_positive or group.refine is not None)

    def _unspent(
        self, task: Task, strokes: Sequence[Stroke], prompt_ids: frozenset[str]
    ) -> tuple[Stroke, ...]:
        """The strokes that were not used with other prompts before, or whose prompts were rejected since."""
        unspent = []
        with self._lock:
            for stroke in strokes:
                key = task.id, stroke.id
                use = self._used_with.get(key)
                if use is None or use.prompt_ids & prompt_ids or use.was_rejected(task):
                    self._used_with[key] = _Use(prompt_ids, task.draft_saved_at)
                    unspent.append(stroke)
        return tuple(unspent)


def _with_draft(group: PromptGroup, draft: DraftContent, prelabels: Sequence[AnnotatedRegion]) -> PromptGroup:
    begun_inside = _corrected(group, (*draft.objects, *prelabels))
    strokes = draft.strokes
    clicks = tuple(click for stroke in strokes for click in stroke.clicks) + group.prompts.clicks
    ids = group.prompt_ids
    n_boxes = 0 if group.prompts.box is None else 1
    stroke_ids = tuple(stroke.id for stroke in strokes for _ in stroke.clicks)
    return replace(
        group,
        prompts=Prompts(clicks, group.prompts.box),
        prompt_ids=(*ids[:n_boxes], *stroke_ids, *ids[n_boxes:]),
        refine=None if begun_inside is None else begun_inside.region,
        refine_id="" if begun_inside is None else begun_inside.id,
        others=tuple(each.region for each in draft.objects if each is not begun_inside),
    )


def _corrected(group: PromptGroup, objects: Sequence[AnnotatedRegion]) -> AnnotatedRegion | None:
    """The object that the first click lies in, of several the smallest; None beside a box."""
    if group.prompts.box is not None or not group.prompts.clicks:
        return None
    first = group.prompts.clicks[0]
    inside = [
        each for each in objects if (each.labels[:1] or (None,))[0] == group.label and _covers(each, first)
    ]
    return min(inside, key=lambda each: each.region.area, default=None)


def _covers(candidate: AnnotatedRegion, click: Click) -> bool:
    region = candidate.region
    row, column = click.pixel[0] - region.top, click.pixel[1] - region.left
    height, width = region.mask.shape
    return 0 <= row < height and 0 <= column < width and bool(region.mask[row, column])
