"""A page to look through what inspection found: pictures, what was drawn, the places meant, and why."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import cv2
import numpy as np

from backend.inspection.base import DrawnObject, Pixels
from models.arrays import Image

_SIDE = 360
"""Pixels of a picture's longer side on the page."""
_MARGIN = 0.35
"""Of the place's longer side, shown around it."""
_LEAST_MARGIN = 16
_DRAWN, _MEANT, _PLACE = (255, 200, 0), (255, 60, 60), (0, 220, 255)
"""Outlines of objects, of those that are meant, and of the places; RGB."""
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 80]
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; background: #fafafa; color: #222 }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 1em }
article { background: #fff; border: 1px solid #ddd; border-radius: 6px; padding: 10px }
img { display: block; max-width: 100%; margin-bottom: 8px }
ul { margin: 6px 0 0; padding-left: 18px }
.drawn { color: #a80 } .meant { color: #d33 } .place { color: #08a }
"""


@dataclass(frozen=True)
class Card:
    """One doubtful annotated picture.

    Attributes:
        title: What it is.
        link: Where people look at it.
        severity: In [0, 1].
        issues: As `Issue.to_json`, the worst first.
        image: The picture, (H, W, 3) RGB; None if it cannot be loaded.
        objects: What was drawn on it.
    """

    title: str
    link: str
    severity: float
    issues: Sequence[dict[str, Any]]
    image: Image | None = None
    objects: Sequence[DrawnObject] = ()


def gallery(title: str, cards: Iterable[Card]) -> Iterator[str]:
    """The page, piece by piece: one file that needs nothing else.

    Args:
        title: Above everything.
        cards: The worst first; taken one by one.
    """
    yield (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1><p>Outlines of <span class=drawn>objects</span>, of "
        "<span class=meant>those that are meant</span>, and <span class=place>the place</span>.</p><main>\n"
    )
    for card in cards:
        yield _article(card)
    yield "</main></html>\n"


def _article(card: Card) -> str:
    reasons = "".join(
        f"<li>{each['severity']:.2f} {escape(each['message'])} <small>({escape(each['rule'])})</small></li>"
        for each in card.issues
    )
    picture = ""
    if card.image is not None:
        shown = overlay(card.image, card.objects, card.issues)
        picture = f'<img alt="" src="data:image/jpeg;base64,{_jpeg(shown)}">'
    return (
        f'<article>{picture}<a href="{escape(card.link)}">{escape(card.title)}</a> '
        f"<b>{card.severity:.2f}</b><ul>{reasons}</ul></article>\n"
    )


def overlay(image: Image, objects: Sequence[DrawnObject], issues: Sequence[dict[str, Any]]) -> Image:
    """The part of a picture that issues are about, with outlines, at most `_SIDE` pixels large.

    Args:
        image: (H, W, 3) RGB; not modified.
        objects: What was drawn.
        issues: As `Issue.to_json`.
    """
    boxes = [each["box"] for each in issues if each["box"] is not None]
    top, left, bottom, right = _view(boxes, (image.shape[0], image.shape[1]))
    scale = min(_SIDE / max(bottom - top, right - left), 4.0)
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    shown = cv2.resize(image[top:bottom, left:right], size, interpolation=way).astype(np.uint8)
    meant = {region_id for each in issues for region_id in each["region_ids"]}
    for drawn in objects:
        mask = drawn.region.full_mask((image.shape[0], image.shape[1]))[top:bottom, left:right]
        small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(small, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, outlines, -1, _MEANT if drawn.id in meant else _DRAWN, 1)
    for box in boxes:
        first = round((box[1] - left) * scale), round((box[0] - top) * scale)
        last = round((box[3] - left) * scale) - 1, round((box[2] - top) * scale) - 1
        cv2.rectangle(shown, first, last, _PLACE, 1)
    return shown


def _view(boxes: Sequence[Sequence[int]], size_hw: tuple[int, int]) -> Pixels:
    """What is shown: all places and something around them; the whole picture without a place."""
    height, width = size_hw
    if not boxes:
        return 0, 0, height, width
    top, left = (min(box[side] for box in boxes) for side in (0, 1))
    bottom, right = (max(box[side] for box in boxes) for side in (2, 3))
    margin = max(_LEAST_MARGIN, round(_MARGIN * max(bottom - top, right - left)))
    return (
        max(0, top - margin),
        max(0, left - margin),
        min(height, bottom + margin),
        min(width, right + margin),
    )


def _jpeg(image: Image) -> str:
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], _JPEG)
    return base64.b64encode(encoded.tobytes()).decode("ascii")
