"""What the commands send is what the service reads, and the other way round."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from backend.labelstudio import rle
from backend.labelstudio.annotations import decode_annotation
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import parse_predict, parse_setup, parse_webhook
from backend.labelstudio.prompts import read_prompts
from models.arrays import Mask
from models.prompts import Click
from scripts import editor_requests

PROJECT = "7.1795219443"
TASK = editor_requests.task(3, "/data/local-files/?d=a.png")
CLICKS = st.integers(1, 5000).flatmap(
    lambda height: st.integers(1, 5000).flatmap(
        lambda width: st.tuples(
            st.just((height, width)),
            st.lists(
                st.builds(
                    Click,
                    st.integers(0, height - 1),
                    st.integers(0, width - 1),
                    st.sampled_from([True, False]),
                ),
                max_size=5,
            ),
        )
    )
)


@given(CLICKS)
def test_the_service_reads_the_clicked_pixels(drawn: tuple[tuple[int, int], list[Click]]) -> None:
    size_hw, later = drawn
    clicks = [Click(0, 0), *later]

    request = parse_predict(json.loads(editor_requests.smart_click(PROJECT, TASK, clicks, size_hw)))
    config = LabelConfig.parse(request.label_config)
    (group,) = read_prompts(request.context or (), config)

    assert request.project == PROJECT
    assert config.image_url(group.to_name, request.tasks[0].data) == "/data/local-files/?d=a.png"
    assert group.size_hw == size_hw
    assert [(click.pixel, click.positive) for click in group.prompts.clicks] == [
        (click.pixel, click.positive) for click in clicks
    ]


def test_the_service_reads_the_other_requests() -> None:
    opened = parse_predict(json.loads(editor_requests.open_task(PROJECT, TASK)))
    announced = parse_setup(json.loads(editor_requests.set_up(PROJECT, {"postprocess": []})))
    submitted = parse_webhook(json.loads(editor_requests.submission(TASK, 50)))

    assert opened.context is None and opened.tasks[0].id == 3
    assert announced.project == PROJECT and announced.extra_params == {"postprocess": []}
    assert submitted.task_ids == (3,) and len(submitted.body["annotation"]["result"]) == 50


def test_the_service_reads_what_was_painted() -> None:
    masks = np.zeros((3, 20, 30), dtype=bool)
    masks[0, 2:9, 3:12] = masks[2, 10:18, 15:29] = True
    painted = parse_webhook(json.loads(editor_requests.annotated(TASK, editor_requests.brushed(masks))))

    config = LabelConfig.parse(editor_requests.CONFIG)
    read = decode_annotation(painted.body["annotation"]["result"], config.controls)

    assert not read.problems
    assert [each.region.class_name for each in read.regions] == ["Object", "Object"]
    for each, mask in zip(read.regions, masks[[0, 2]], strict=True):
        assert np.array_equal(each.region.full_mask((20, 30)), mask)


@given(st_numpy.arrays(bool, st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_the_mask_of_an_answer_is_read(mask: Mask) -> None:
    result = [{"value": {"format": "rle", "rle": rle.encode(mask)}}]
    answer = json.dumps({"results": [{"result": result}]}).encode()

    size_hw = mask.shape[0], mask.shape[1]

    assert np.array_equal(editor_requests.answered_mask(answer, size_hw), mask)


def test_an_answer_without_regions_is_an_empty_mask() -> None:
    assert not editor_requests.answered_mask(b'{"results": [{"result": []}]}', (4, 5)).any()
