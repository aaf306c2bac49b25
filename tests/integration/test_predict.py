import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image as PillowImage

from backend.app import create_app
from backend.labelstudio import rle
from backend.settings import Settings
from models.arrays import Image, Mask
from models.metrics import iou
from models.prelabel.base import PreLabeller, PreLabels
from models.registry import Registry
from tests.fakes.requests import (
    COIN_CENTRES,
    CONFIG,
    box,
    coin_mask,
    coins_picture,
    point,
    predict_body,
    task,
)

SavePicture = Callable[[str, Image], str]


def results(client: FlaskClient, body: dict[str, Any]) -> list[Any]:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return list(answer.json["results"])


def masks(prediction: dict[str, Any]) -> list[Mask]:
    return [
        rle.decode(item["value"]["rle"], (item["original_height"], item["original_width"]))
        for item in prediction["result"]
    ]


def test_opening_a_task_gives_one_brush_region_per_object(client: FlaskClient) -> None:
    (prediction,) = results(client, predict_body())
    found = masks(prediction)
    assert len(found) == len(COIN_CENTRES)
    for centre in COIN_CENTRES:
        assert max(iou(mask, coin_mask(centre)) for mask in found) > 0.95
    assert prediction["model_version"] == "watershed-1"
    assert all(item["value"]["brushlabels"] == ["Coin"] for item in prediction["result"])


def test_models_look_at_the_original_if_the_config_says_so(
    client: FlaskClient, save_picture: SavePicture
) -> None:
    config = CONFIG.replace('value="$image"', 'value="$image" model_value="original"')
    blank = save_picture("blank.png", np.full((600, 800, 3), 90, np.uint8))
    body = predict_body()
    body["label_config"] = config
    body["tasks"][0]["data"] = {"image": blank, "original": "/data/local-files/?d=imgs/img0.png"}
    assert len(results(client, body)[0]["result"]) == len(COIN_CENTRES)
    body["label_config"] = CONFIG
    assert results(client, body)[0]["result"] == []

    click = predict_body(prompts=[point(*COIN_CENTRES[0])])
    click["label_config"] = config
    click["tasks"][0]["data"] = {"image": blank, "original": "/data/local-files/?d=imgs/img0.png"}
    (mask,) = masks(results(client, click)[0])
    assert iou(mask, coin_mask(COIN_CENTRES[0])) > 0.9


def test_a_click_gives_the_object_under_it_and_no_other(client: FlaskClient) -> None:
    for centre in COIN_CENTRES:
        (prediction,) = results(client, predict_body(prompts=[point(*centre)]))
        (mask,) = masks(prediction)
        assert iou(mask, coin_mask(centre)) > 0.9


def test_a_box_gives_the_object_inside_it(client: FlaskClient) -> None:
    row, column = COIN_CENTRES[2]
    (prediction,) = results(client, predict_body(prompts=[box(row - 90, column - 85, row + 88, column + 92)]))
    (mask,) = masks(prediction)
    assert iou(mask, coin_mask(COIN_CENTRES[2])) > 0.9


def test_a_negative_click_is_outside_the_mask_and_a_positive_one_inside(client: FlaskClient) -> None:
    row, column = COIN_CENTRES[0]
    (prediction,) = results(
        client, predict_body(prompts=[point(row, column), point(row + 50, column, positive=False)])
    )
    (mask,) = masks(prediction)
    assert mask[row, column]
    assert not mask[row + 50, column]


@pytest.mark.parametrize("prompts", [[], [point(10, 10, positive=False)]])
def test_prompts_that_say_nothing_about_where_the_object_is_give_an_empty_list(
    client: FlaskClient, prompts: list[dict[str, Any]]
) -> None:
    (prediction,) = results(client, predict_body(prompts=prompts))
    assert prediction["result"] == []


def test_a_picture_of_another_size_than_the_editors_gives_no_mask_and_a_log_line(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    (prediction,) = results(client, predict_body(prompts=[point(10, 10, size_hw=(300, 400))]))
    assert prediction["result"] == []
    assert (
        "Task 1: the picture has (600, 800) rows and columns here but (300, 400) in the editor" in caplog.text
    )


def test_a_turned_photo_is_answered_in_the_editors_orientation(client: FlaskClient, files: Path) -> None:
    stored = PillowImage.fromarray(np.rot90(coins_picture(600, 800)).copy())
    exif = stored.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise for display
    buffer = BytesIO()
    stored.save(buffer, "JPEG", exif=exif, quality=95)
    (files / "imgs" / "turned.jpg").write_bytes(buffer.getvalue())
    turned = task("/data/local-files/?d=imgs/turned.jpg")
    (prediction,) = results(client, predict_body(turned, prompts=[point(*COIN_CENTRES[0])]))
    (mask,) = masks(prediction)
    assert iou(mask, coin_mask(COIN_CENTRES[0])) > 0.9


def test_several_tasks_are_answered_in_order_and_a_broken_one_takes_no_other_with_it(
    client: FlaskClient,
) -> None:
    body = predict_body(
        task(number=1), task("/data/local-files/?d=imgs/missing.png", number=2), task(number=3)
    )
    first, broken, last = results(client, body)
    assert broken == []
    assert len(first["result"]) == len(last["result"]) == 3
    assert 'maskloop_skipped_tasks_total{error="' in client.get("/metrics").text


def test_a_project_with_two_pictures_gets_pre_labels_on_both(
    client: FlaskClient, save_picture: SavePicture
) -> None:
    config = """<View><Image name="a" value="$left"/><Image name="b" value="$right"/>
      <BrushLabels name="on-a" toName="a"><Label value="Coin"/></BrushLabels>
      <RectangleLabels name="on-b" toName="b"><Label value="Coin"/></RectangleLabels></View>"""
    left = save_picture("left.png", coins_picture(600, 800))
    right = save_picture("right.png", coins_picture(600, 800, seed=9))
    both = {"id": 1, "project": 2, "data": {"left": left, "right": right}}
    (prediction,) = results(client, predict_body(both, config=config))
    kinds = sorted((item["to_name"], item["type"]) for item in prediction["result"])
    assert kinds == [("a", "brushlabels")] * 3 + [("b", "rectanglelabels")] * 3


@pytest.mark.parametrize(
    ("control", "expected"), [("BrushLabels", 2), ("BitmaskLabels", 2), ("PolygonLabels", 3)]
)
def test_of_too_many_objects_the_largest_are_kept_where_the_editor_would_freeze(
    settings: Settings, caplog: pytest.LogCaptureFixture, control: str, expected: int
) -> None:
    client = create_app(settings.model_copy(update={"max_mask_pixels": 2 * 600 * 800 + 1})).test_client()
    (prediction,) = results(client, predict_body(config=CONFIG.replace("BrushLabels", control)))
    assert len(prediction["result"]) == expected
    assert ("MASKLOOP_MAX_MASK_PIXELS" in caplog.text) == (expected < 3)


def test_extra_params_of_the_project_change_its_pre_labels(client: FlaskClient) -> None:
    set_up = {"project": "2.1795219443", "schema": CONFIG, "extra_params": {"prelabeller": "otsu"}}
    config = CONFIG.replace(
        'value="Coin"/></BrushLabels>', 'value="Coin" predicted_values="foreground"/></BrushLabels>'
    )
    assert client.post("/setup", json=set_up).status_code == 200
    (prediction,) = results(client, predict_body(config=config))
    assert prediction["model_version"] == "otsu-1"
    assert len(prediction["result"]) == 1


def test_two_annotators_at_once_never_get_each_others_mask(client: FlaskClient) -> None:
    app = client.application

    def click(number: int) -> None:
        centre = COIN_CENTRES[number % 3]
        picture = task(f"/data/local-files/?d=imgs/img{number % 2}.png", number=number)
        (prediction,) = results(app.test_client(), predict_body(picture, prompts=[point(*centre)]))
        (mask,) = masks(prediction)
        assert iou(mask, coin_mask(centre)) > 0.9

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(click, number) for number in range(24)]:
            future.result(60)


def test_identical_requests_in_flight_are_computed_once(settings: Settings) -> None:
    calls: list[int] = []
    release = threading.Event()

    class Slow(PreLabeller):
        name: ClassVar[str] = "slow"
        version = "slow-1"

        def predict(self, image: Image) -> PreLabels:
            calls.append(1)
            assert release.wait(60)
            return PreLabels((), (), 0.5)

    app = create_app(
        settings.model_copy(update={"prelabeller": "slow"}),
        prelabellers=Registry("pre-labeller", [Slow]),
    )
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(results, app.test_client(), predict_body()) for _ in range(2)]
        while "maskloop_coalesced_total 1.0" not in app.test_client().get("/metrics").text:
            threading.Event().wait(0.01)
        release.set()
        first, second = (future.result(60) for future in both)
    assert first == second
    assert calls == [1]
