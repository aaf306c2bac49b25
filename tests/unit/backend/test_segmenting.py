"""What becomes of an existing object and of its neighbours; the rest is tested through the application."""

from dataclasses import replace

import numpy as np
import pytest

from backend.byte_cache import ByteCache
from backend.labelstudio.images import TaskImage
from backend.labelstudio.prompts import PromptGroup
from backend.observability import Metrics
from backend.services.encoding import Encoder
from backend.services.projects import ProjectOptions
from backend.services.segmenting import Segmented, Segmenter
from backend.state.device_gate import DeviceGate
from models.interactive.base import Embedding
from models.prompts import Box, Click, Prompts
from models.regions import Region
from tests.fakes.interactive import Recording

IMAGE = TaskImage(np.zeros((40, 50, 3), np.uint8), "digest")
OPTIONS = ProjectOptions("watershed", "recording", ())
GROUP = PromptGroup("image", "Cell", Prompts((Click(10, 10), Click(20, 20))), (40, 50), ("a", "b"))
OBJECT = Region(np.ones((10, 10), bool), 5, 5)


@pytest.fixture
def model() -> Recording:
    return Recording()


@pytest.fixture
def segmenter() -> Segmenter:
    metrics, gate = Metrics(), DeviceGate(1, 5, on_wait=lambda _seconds: None)
    encoder = Encoder(
        embeddings=ByteCache(10**6, size_of=lambda e: e.nbytes, on_lookup=lambda _hit: None),
        gate=gate,
        metrics=metrics,
    )
    masks = ByteCache[bytes, object](10**6, size_of=lambda _step: 1, on_lookup=lambda _hit: None)
    return Segmenter(encoder=encoder, masks=masks, gate=gate, metrics=metrics)  # type: ignore[arg-type]


def segment(
    segmenter: Segmenter, model: Recording, group: PromptGroup, options: ProjectOptions = OPTIONS
) -> Segmented:
    found = segmenter.segment(model, IMAGE, group, options, stale=lambda: False)
    assert found is not None
    return found


def test_an_object_that_is_refined_is_what_the_model_sees_first(
    segmenter: Segmenter, model: Recording
) -> None:
    alone = model.segment(Embedding((40, 50)), Prompts((Click(10, 10),)))
    same = Region.from_mask(alone.mask)
    anew = segment(segmenter, model, GROUP)
    model.asked.clear()
    refined = segment(segmenter, model, replace(GROUP, refine=same))
    assert [seen for _, seen in model.asked] == [False, True, True]
    assert not np.array_equal(anew.regions[0].full_mask((40, 50)), refined.regions[0].full_mask((40, 50)))


def test_an_object_that_the_first_click_does_not_mean_is_begun_anew(
    segmenter: Segmenter, model: Recording
) -> None:
    anew = segment(segmenter, model, GROUP)
    again = segment(segmenter, model, replace(GROUP, refine=OBJECT))
    assert np.array_equal(again.regions[0].full_mask((40, 50)), anew.regions[0].full_mask((40, 50)))


def test_an_object_can_be_corrected_with_negative_clicks_alone(
    segmenter: Segmenter, model: Recording
) -> None:
    first, second = Click(6, 6, positive=False), Click(6, 14, positive=False)
    segment(segmenter, model, replace(GROUP, prompts=Prompts((first,)), prompt_ids=("a",), refine=OBJECT))
    wrong = Prompts((first, second))
    (region,) = segment(segmenter, model, replace(GROUP, prompts=wrong, refine=OBJECT)).regions
    mask = region.full_mask((40, 50))
    assert not mask[6, 6]
    assert not mask[6, 14]
    assert [([c.positive for c in prompts.clicks], seen) for prompts, seen in model.asked] == [
        ([True, False], True),
        ([True, False, False], True),
    ]


def test_after_a_negative_click_a_positive_one_does_not_begin_the_object_anew(
    segmenter: Segmenter, model: Recording
) -> None:
    mixed = Prompts((Click(6, 6, positive=False), Click(20, 20)))
    segment(segmenter, model, replace(GROUP, prompts=mixed, refine=OBJECT))
    assert [seen for _, seen in model.asked] == [True, True]


def test_labelled_objects_are_left_out_unless_the_project_says_otherwise(
    segmenter: Segmenter, model: Recording
) -> None:
    other = Region(np.ones((40, 25), bool), 0, 25)
    group = replace(GROUP, others=(other,))
    (kept_off,) = segment(segmenter, model, group).regions
    (over,) = segment(segmenter, model, group, replace(OPTIONS, avoid_labelled=False)).regions
    assert kept_off.box[3] <= 25 < over.box[3]


def test_a_hole_that_another_object_fills_is_not_filled(segmenter: Segmenter, model: Recording) -> None:
    nucleus = Region(np.ones((2, 2), bool), 30, 40)
    group = replace(GROUP, others=(nucleus,))
    found = segment(segmenter, model, group, replace(OPTIONS, postprocess=("fill-holes",)))
    (region,) = found.regions
    assert not (region.full_mask((40, 50)) & nucleus.full_mask((40, 50))).any()


def test_the_id_of_a_box_is_not_taken_for_that_of_a_click(segmenter: Segmenter, model: Recording) -> None:
    stroke = tuple(Click(10, column) for column in range(10, 20))
    boxed = PromptGroup("image", None, Prompts(stroke, Box(5, 5, 30, 30)), (40, 50), ("b", *["s"] * 10))
    segment(segmenter, model, boxed)
    assert [len(prompts.clicks) for prompts, _ in model.asked] == [0, 10]


def test_a_stale_request_calls_no_model(segmenter: Segmenter, model: Recording) -> None:
    assert segmenter.segment(model, IMAGE, GROUP, OPTIONS, stale=lambda: True) is None
    assert model.asked == []
