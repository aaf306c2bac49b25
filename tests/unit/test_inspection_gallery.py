import numpy as np

from models.regions import Region
from scripts.inspection_gallery import Card, gallery, overlay
from tests.fakes.inspected import drawn

MASK = np.zeros((400, 500), dtype=bool)
MASK[100:140, 200:260] = True
IMAGE = np.full((400, 500, 3), 90, dtype=np.uint8)


def issue(box: list[int] | None, message: str = "Two holes.") -> dict[str, object]:
    return {"rule": "holes", "severity": 0.75, "message": message, "region_ids": ["region-0"], "box": box}


def test_the_place_fills_the_view_and_outlines_are_drawn() -> None:
    shown = overlay(IMAGE, [drawn(MASK)], [issue([100, 200, 140, 260])])
    assert max(shown.shape) == 360
    assert (shown == (255, 60, 60)).all(axis=2).any()
    assert (shown == (0, 220, 255)).all(axis=2).any()
    assert (IMAGE == 90).all()


def test_without_a_place_the_whole_picture_is_shown() -> None:
    assert overlay(IMAGE, [drawn(MASK)], [issue(None)]).shape == (288, 360, 3)


def test_places_at_the_edge_and_tiny_pictures_can_be_shown() -> None:
    corner = overlay(IMAGE, [], [issue([395, 495, 400, 500])])
    assert corner.shape[0] == corner.shape[1] == 84
    dot = overlay(IMAGE[:1, :1], [], [issue([0, 0, 1, 1])])
    assert dot.shape == (4, 4, 3)


def test_what_people_wrote_cannot_become_part_of_the_page() -> None:
    card = Card("<b>Task", 'http://x/"><script>', 0.5, [issue(None, "<script>alert(1)</script>.")])
    text = "".join(gallery("<i>", [card]))
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;." in text
    assert "<img" not in text


def test_objects_that_stick_out_are_cut_off() -> None:
    outside = drawn(MASK)
    moved = Region(outside.region.mask, 390, 490)
    assert overlay(IMAGE, [type(outside)("region-0", moved)], [issue(None)]).shape == (288, 360, 3)
