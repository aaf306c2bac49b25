"""A person at Label Studio's labelling page: looks, clicks, accepts and submits. Positions are in percent."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Locator, Page, Request, Response, StorageState

from scripts.label_studio_server import PASSWORD, USERNAME
from tests.live.pictures import Mask
from tests.live.projects import LABEL, LiveTask, iou

TIMEOUT_MS = 120_000
_MOMENT = 30
"""Frames, half a second on an idle machine, in which the browser has done what needs no answer."""
VIEWPORT_WIDTH, VIEWPORT_HEIGHT = 1500, 950
_OUTSIDE = re.compile(r"^https?://(?!127\.0\.0\.1[:/]|localhost[:/]).*")
_ROW = "[class*=row-wrapper]"
_REGION = "[role=treeitem]:has(.lsf-outliner-item)"
_SUBMIT = re.compile(r"^(submit|update)\b", re.IGNORECASE)
# How much more red than green and blue a pixel is before it counts as painted over a grey picture.
_REDDENED = 30

_EDITOR_IS_READY = """() => {
  const selected = window.Htx?.annotationStore?.selected;
  const image = selected && [...selected.names.values()].find(tag => tag.type === 'image');
  const isLoaded = image?.imageEntities?.[0]?.imageLoaded;
  const isDrawn = document.querySelector('.konvajs-content') && document.querySelector('img[alt="image"]');
  return Boolean(isLoaded && isDrawn);
}"""
_PICTURE_BOX = """() => {
  const box = document.querySelector('img[alt="image"]')?.getBoundingClientRect();
  return box?.width ? [box.x, box.y, box.width, box.height] : null;
}"""
_PICTURE_RESTS = """frames => {
  const box = document.querySelector('img[alt="image"]')?.getBoundingClientRect();
  const place = box?.width ? [box.x, box.y, box.width, box.height].join() : null;
  const before = window.maskloopPlace;
  const count = place !== null && before?.place === place ? before.count + 1 : 0;
  window.maskloopPlace = count < frames ? {place, count} : undefined;
  return count >= frames;
}"""
_FRAMES = """frames => new Promise(resolve => {
  const next = () => (frames-- > 0 ? requestAnimationFrame(next) : resolve());
  next();
})"""
_STAGE_BOX = """() => {
  const box = document.querySelector('.konvajs-content').getBoundingClientRect();
  return [box.x, box.y, box.width, box.height];
}"""
_NATURAL_SIZE = """() => {
  const image = document.querySelector('img[alt="image"]');
  return [image.naturalHeight, image.naturalWidth];
}"""
_RESULT = "window.Htx.annotationStore.selected.serializeAnnotation()"
_SUGGESTION_COUNT = "window.Htx.annotationStore.selected.suggestions.size"
_IS_ANSWERED = "!window.Htx.awaitingSuggestions"
_IS_UNSAVED = "!window.Htx.annotationStore.selected.pk"
_IS_REGION_SELECTED = "window.Htx.annotationStore.selected.selectedRegions.length === 1"
_IS_PREDICTION = "window.Htx.annotationStore.selected.type === 'prediction'"
_SELECT_REGION = """index => {
  const annotation = window.Htx.annotationStore.selected;
  annotation.selectArea(annotation.regionStore.regions[index]);
}"""
_SELECT_LABEL = """([label, control]) => {
  const tags = [...window.Htx.annotationStore.selected.names.values()];
  const tag = tags.find(each => (each.name || '').replace(/@.*/, '') === control);
  const child = tag.children.find(each => each._value === label);
  if (!child.selected) child.onClick();
}"""


class LabellingPage:
    """One browser window with its own login. Used by one thread."""

    def __init__(
        self, browser: Browser, server_url: str, artifacts: Path, *, login: StorageState | None = None
    ) -> None:
        """Open a window; nothing outside this machine can be reached from it.

        Args:
            browser: A started Chromium.
            server_url: Label Studio.
            artifacts: Folder for screenshots.
            login: Cookies of a window that logged in before.
        """
        self._server_url = server_url
        self._artifacts = artifacts
        self._context = browser.new_context(
            viewport={"width": VIEWPORT_WIDTH, "height": VIEWPORT_HEIGHT},
            device_scale_factor=1,
            storage_state=login,
        )
        self._context.set_default_timeout(TIMEOUT_MS)
        self._context.route(_OUTSIDE, lambda route: route.abort())
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self._unanswered: set[Request] = set()
        self.page.on("request", self._note_request)
        self.page.on("requestfinished", self._note_end)
        self.page.on("requestfailed", self._note_end)

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def _note_request(self, request: Request) -> None:
        if "/interactive-annotating" in request.url:
            self._unanswered.add(request)

    def _note_end(self, request: Request) -> None:
        self._unanswered.discard(request)

    def screenshot(self, name: str) -> None:
        """Keep what is on the screen as `<name>.png`."""
        self._artifacts.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._artifacts / f"{name}.png")

    def login(self) -> StorageState:
        """Log in as the administrator and return the cookies."""
        self.page.goto(f"{self._server_url}/user/login/")
        self.page.fill("input[name=email]", USERNAME)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/user/login" not in url)
        return self._context.storage_state()

    def open_task(self, task: LiveTask, row: int = 0) -> None:
        """Open a task by a click on its row, the first one by default, and wait for its picture.

        Not by its address: the editor then fetches the task twice, and sometimes forgets the regions of the
        first answer when the second arrives.
        """
        self.page.goto(f"{self._server_url}/projects/{task.project}/data")
        self.page.locator(_ROW).nth(row).click()
        self.page.wait_for_url(f"**task={task.task}*")
        self._wait_for_editor()

    def start_smart(self, task: LiveTask) -> None:
        """Open a task with smart tools switched on; suggestions wait to be accepted."""
        self.open_task(task)
        self.auto_annotation()
        self.auto_accept(on=False)

    def open_stream(self, task: LiveTask) -> None:
        """Open the labelling stream of the project, as the button Label All Tasks does."""
        self.page.goto(f"{self._server_url}/projects/{task.project}/data?labeling=1")
        self._wait_for_editor()

    def _wait_for_editor(self) -> None:
        self.page.wait_for_function(_EDITOR_IS_READY)
        self._wait_for_picture()  # it is laid out again once the side panels are there
        self.page.wait_for_function(_EDITOR_IS_READY)

    def _wait_for_picture(self) -> None:
        """Wait until the picture has stayed where it is for a moment."""
        self.page.wait_for_function(_PICTURE_RESTS, arg=_MOMENT)

    def wait_for_frames(self, count: int = _MOMENT) -> None:
        """Let the browser paint so often, however long it takes on a busy machine."""
        self.page.evaluate(_FRAMES, count)

    def wait_until(self, seen: Callable[[], bool]) -> None:
        """Look again and again until something is to be seen: masks are decoded before they are painted."""
        deadline = time.monotonic() + TIMEOUT_MS / 1000
        while not seen():
            assert time.monotonic() < deadline, "it is not to be seen"
            self.page.wait_for_timeout(100)

    def wait_for_regions(self, count: int) -> None:
        """Wait until the open annotation has so many regions."""
        self.page.wait_for_function(f"{_RESULT}.length === {count}")

    def auto_annotation(self, *, on: bool = True) -> None:
        """Switch smart tools on or off."""
        self._toggle("bottombar-auto-annotation-toggle", on=on)

    def auto_accept(self, *, on: bool) -> None:
        """Switch automatic acceptance of suggestions."""
        self._toggle("bottombar-auto-accept-toggle", on=on)

    def _toggle(self, test_id: str, *, on: bool) -> None:
        box = self.page.get_by_test_id(test_id)
        box.wait_for(state="attached")
        if box.is_checked() != on:
            box.locator("xpath=ancestor::label").first.click()

    def smart_tool(self, name: str) -> None:
        """Take a smart tool in hand: `key-point-tool` or `rectangle-tool`."""
        if self.page.locator(f".lsf-tool_active.lsf-tool_smart[aria-label={name}]").count():
            return
        self._smart_tool_button(name).click()
        self.page.mouse.move(5, 5)  # the fly-out lies over the picture until the mouse leaves it
        self.wait_for_frames()

    def _smart_tool_button(self, name: str) -> Locator:
        in_fly_out = self.page.locator(f".lsf-toolbar__smart [aria-label={name}]")
        alone = self.page.locator(f".lsf-tool_smart[aria-label={name}]")
        button = (in_fly_out if in_fly_out.count() else alone).first
        if not button.is_visible():
            self.page.locator(".lsf-tool_smart").first.hover()
            button.wait_for()
        return button

    def choose_label(self, label: str, control: str) -> None:
        """Select a label; Label Studio deselects it after every region."""
        self.page.evaluate(_SELECT_LABEL, [label, control])

    def screen_point(self, x: float, y: float) -> tuple[float, float]:
        """Screen position of a place in the picture as it is shown."""
        left, top, width, height = self._picture_box()
        return left + width * x / 100, top + height * y / 100

    def click(self, x: float, y: float, *, alt: bool = False) -> None:
        """Click into the picture; with Alt the point is negative."""
        with self._held("Alt" if alt else None):
            self.page.mouse.move(*self.screen_point(x, y))
            self.page.mouse.click(*self.screen_point(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at one (x, y), move, release at another."""
        first, last = self.screen_point(*start), self.screen_point(*end)
        self.page.mouse.move(*first)
        self.page.mouse.down()
        self.page.mouse.move(*last, steps=8)
        self.page.mouse.up()

    def stroke(
        self, start: tuple[float, float], end: tuple[float, float], *, label: str, control: str, brush: int
    ) -> None:
        """Paint a line; each control has a brush of its own in the tool bar, in the config's order."""
        self.page.locator(".lsf-tool[aria-label=brush-tool]").nth(brush).click()
        self.choose_label(label, control)
        self.drag(start, end)

    def hide_or_show(self, index: int) -> None:
        """Click the eye of a region in the list of regions."""
        row = self.page.locator(_REGION).nth(index)
        row.hover()
        row.locator("[class*=control_type_visibility] button").click()
        self.wait_for_frames()

    @contextmanager
    def _held(self, key: str | None) -> Iterator[None]:
        if key is None:
            yield
            return
        self.page.keyboard.down(key)
        try:
            yield
        finally:
            self.page.keyboard.up(key)

    def smart_click(
        self, x: float, y: float, *, label: str = LABEL, control: str = "point", alt: bool = False
    ) -> list[dict[str, Any]]:
        """Set a smart point and wait until the answer is on the screen.

        Returns:
            The regions that the browser received.
        """
        with self.smart_answer() as received:
            self.point(x, y, label=label, control=control, alt=alt)
        return received

    def point(
        self, x: float, y: float, *, label: str = LABEL, control: str = "point", alt: bool = False
    ) -> None:
        """Set a smart point and wait for nothing."""
        self.smart_tool("key-point-tool")
        self.choose_label(label, control)
        self.click(x, y, alt=alt)

    def smart_rectangle(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        label: str = LABEL,
        control: str = "box",
    ) -> list[dict[str, Any]]:
        """Draw a smart rectangle and wait until the answer is on the screen; see `smart_click`."""
        with self.smart_answer() as received:
            self.choose_label(label, control)
            self.smart_tool("rectangle-tool")
            self.drag(start, end)
        return received

    @contextmanager
    def smart_answer(self) -> Iterator[list[dict[str, Any]]]:
        """Wait, at the end of the block, for a smart answer and its display.

        Yields:
            A list that holds the received regions after the block.
        """
        received: list[dict[str, Any]] = []
        with self.page.expect_response(lambda response: "/interactive-annotating" in response.url) as waiting:
            yield received
        answer = waiting.value.json()
        if "data" not in answer:
            raise AssertionError(f"the model failed: {answer}")
        received += answer["data"]["result"]
        regions = {item["id"] for item in received}  # a bare tag's label is an item of its own
        self.page.wait_for_function(f"{_IS_ANSWERED} && {_SUGGESTION_COUNT} === {len(regions)}")
        self.wait_for_frames()

    def wait_for_answers(self) -> None:
        """Wait until all smart answers are there, whatever they were, and are on the screen."""
        self.wait_for_frames()  # the editor asks a moment after the click
        self.page.wait_for_function(_IS_ANSWERED)
        while self._unanswered:
            self.page.wait_for_timeout(100)
        self.wait_for_frames()

    def suggestion_count(self) -> int:
        """How many suggestions wait to be accepted."""
        return int(self.page.evaluate(_SUGGESTION_COUNT))

    def accept(self) -> None:
        """Accept all suggestions."""
        self.page.get_by_test_id("bottombar-accept-suggestions-button").click()
        self.page.wait_for_function(f"{_SUGGESTION_COUNT} === 0")
        self.wait_for_frames()

    def reject(self) -> None:
        """Reject all suggestions, and delete the points they came from."""
        self.page.get_by_test_id("bottombar-reject-suggestions-button").click()
        self.page.wait_for_function(f"{_SUGGESTION_COUNT} === 0")

    def submit(self) -> None:
        """Submit the annotation, or update it, and wait until it is stored."""
        with self.page.expect_response(_is_submission) as waiting:
            self.page.get_by_role("button", name=_SUBMIT).first.click()
        if not waiting.value.ok:
            raise AssertionError(f"submitting was refused: {waiting.value.status} {waiting.value.text()}")

    def duplicate(self) -> None:
        """Make an own annotation of the one that is shown."""
        self.page.locator("[class*=annotation-button__trigger]").first.click()
        self.page.get_by_text("Duplicate Annotation").click()
        self.page.wait_for_function(_IS_UNSAVED)

    def open_tab(self, version: str) -> None:
        """Look at the prediction of a version, one of the tabs beside the annotations."""
        self.page.locator("[class*=annotation-button]").filter(has_text=version).first.click()
        self.page.wait_for_function(_IS_PREDICTION)
        self._wait_for_editor()

    def show_region_details(self, index: int) -> None:
        """Select a region of the list, so that the info panel shows its details."""
        self.page.evaluate(_SELECT_REGION, index)
        self.page.wait_for_function(_IS_REGION_SELECTED)

    def delete_region_at(self, x: float, y: float) -> None:
        """Delete the region at a place: with a smart tool in hand, a click on a region selects it."""
        self.smart_tool("key-point-tool")
        before = len(self.results())
        self.click(x, y)
        self._delete_selected(before)

    def delete_region(self, index: int) -> None:
        """Delete a region of the list of regions."""
        before = len(self.results())
        self.page.locator(_REGION).nth(index).click()
        self._delete_selected(before)

    def _delete_selected(self, before: int) -> None:
        self.page.wait_for_function(_IS_REGION_SELECTED)
        self.page.keyboard.press("Backspace")
        self.wait_for_regions(before - 1)

    def rotate_right(self) -> None:
        """Turn the view by 90 degrees clockwise."""
        self.page.click("[aria-label=rotate-right]")
        self._wait_for_picture()

    def results(self) -> list[dict[str, Any]]:
        """Regions of the open annotation, as the editor would submit them."""
        return list(self.page.evaluate(_RESULT))

    def natural_size_hw(self) -> tuple[int, int]:
        """Height and width of the picture as the browser sees it."""
        height, width = self.page.evaluate(_NATURAL_SIZE)
        return int(height), int(width)

    def painted(self) -> Mask:
        """Where the red of the output control lies over the grey picture, in pixels of its visible part."""
        left, top, right, bottom = self._visible_box()
        self.page.mouse.move(5, 5)
        clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        png = self.page.screenshot(clip=clip)
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
        reddened: Mask = pixels[..., 0] - pixels[..., 1:].max(axis=2) > _REDDENED
        return reddened

    def _picture_box(self) -> tuple[float, float, float, float]:
        """Left, top, width and height; the editor takes the picture away for a moment when it lays it out."""
        box = self.page.wait_for_function(_PICTURE_BOX).json_value()
        return box[0], box[1], box[2], box[3]

    def _visible_box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of what is visible: a turned picture is larger than its stage."""
        picture, stage = self.page.evaluate(_PICTURE_BOX), self.page.evaluate(_STAGE_BOX)
        left, top = (max(picture[side], stage[side]) for side in (0, 1))
        right, bottom = (
            min(picture[side] + picture[side + 2], stage[side] + stage[side + 2]) for side in (0, 1)
        )
        return ceil(left), ceil(top), int(right), int(bottom)

    def overlap_on_screen(self, mask: Mask, *, turned: bool = False) -> float:
        """How well what is painted over the picture agrees with a mask.

        Args:
            mask: Pixels of the picture, (H, W).
            turned: Whether the view is turned by 90 degrees clockwise.

        Returns:
            Intersection over union, on the screen's pixels of what is visible of the picture.
        """
        shown = np.rot90(mask, -1) if turned else mask
        left, top, width, height = self._picture_box()
        visible_left, visible_top, visible_right, visible_bottom = self._visible_box()
        rows = (np.arange(visible_top, visible_bottom) + 0.5 - top) / height * shown.shape[0]
        columns = (np.arange(visible_left, visible_right) + 0.5 - left) / width * shown.shape[1]
        return iou(self.painted(), shown[np.ix_(rows.astype(int), columns.astype(int))])


def _is_submission(response: Response) -> bool:
    """Whether it answers an annotation that was sent, and no draft of one."""
    is_annotation = "/annotations" in response.url and "/drafts" not in response.url
    return is_annotation and response.request.method in {"POST", "PATCH"}
