"""Clicks through the whole application, with models that remember what they were asked or wait."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from flask import Flask
from sqlalchemy import create_engine, select

from backend.app import create_app
from backend.settings import Settings
from backend.state.database import clicks
from models.registry import Registry
from tests.fakes.interactive import Gated, Recording
from tests.fakes.requests import box, point, predict_body, task

R = TypeVar("R", bound=Recording)
FIRST, SECOND, THIRD = point(150, 200), point(160, 210), point(20, 20, positive=False)
Answer = tuple[int, dict[str, Any]]
_PATIENCE_S = 60.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def serve(settings: Settings, kind: type[R], **changes: Any) -> tuple[Flask, R]:
    """An application and the one model that it loaded."""
    loaded: list[R] = []

    class Model(kind):  # type: ignore[misc, valid-type] # a base class in a variable
        def load(self) -> None:
            loaded.append(self)

    app = create_app(
        settings.model_copy(update={"interactive_model": kind.name, "postprocess": (), **changes}),
        interactive_models=Registry("interactive model", [Model]),
    )
    assert app.test_client().get("/ready").status_code == 200
    (model,) = loaded
    return app, model


def ask(app: Flask, body: dict[str, Any]) -> Answer:
    answer = app.test_client().post("/predict", json=body)
    assert answer.json is not None
    return answer.status_code, answer.json


def click(app: Flask, *prompts: dict[str, Any], number: int = 1) -> Answer:
    return ask(app, predict_body(task(number=number), prompts=list(prompts)))


def regions(answer: Answer) -> list[Any]:
    """What the editor shows, without the ids that are made up for each answer."""
    status, body = answer
    assert status == 200, body
    (prediction,) = body["results"]
    return [{key: value for key, value in item.items() if key != "id"} for item in prediction["result"]]


def metric(app: Flask, line: str) -> float:
    text = app.test_client().get("/metrics").text
    return sum(float(found.rsplit(" ", 1)[1]) for found in text.splitlines() if found.startswith(line))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {_PATIENCE_S:.0f} s"
        time.sleep(0.005)


def clicks_at_the_device(app: Flask) -> float:
    """Smart requests that have their embedding, one look-up each."""
    return metric(app, 'maskloop_cache_lookups_total{cache="embedding"')


def block(app: Flask, model: Gated, pool: ThreadPoolExecutor) -> Future[Answer]:
    """Occupy the only compute slot with a click on another task, its picture being encoded."""
    model.may_encode.set()
    blocker = pool.submit(click, app, point(300, 300), number=99)
    assert model.segmenting.wait(_PATIENCE_S)
    return blocker


def test_each_click_refines_the_answer_to_those_before(settings: Settings) -> None:
    app, model = serve(settings, Recording)
    for prompts in ([FIRST], [FIRST, SECOND], [FIRST, SECOND, THIRD]):
        assert len(regions(click(app, *prompts))) == 1
    assert [(len(prompts.clicks), refined) for prompts, refined in model.asked] == [
        (1, False),
        (2, True),
        (3, True),
    ]
    assert len(model.encoded) == 1


@pytest.mark.parametrize("changes", [{"mask_cache_bytes": 0}, {"mask_cache_bytes": 2000}, {}])
def test_another_process_gives_the_same_masks_in_any_order(
    settings: Settings, changes: dict[str, int]
) -> None:
    chain = [FIRST, SECOND, THIRD, point(170, 220), point(30, 40, positive=False)]
    first, _ = serve(settings, Recording)
    wanted = [regions(click(first, *chain[: n + 1])) for n in range(len(chain))]
    other, _ = serve(settings, Recording, **changes)
    for n in (4, 0, 2, 3, 1, 4):
        assert regions(click(other, *chain[: n + 1])) == wanted[n]


def test_many_annotators_at_once_get_what_each_would_get_alone(
    settings: Settings, pool: ThreadPoolExecutor
) -> None:
    chance = random.Random(7)
    chains = [
        [
            point(chance.randrange(600), chance.randrange(800), positive=n == 0 or chance.random() < 0.6)
            for n in range(4)
        ]
        for _ in range(6)
    ]
    alone, _ = serve(settings, Recording, compute_slots=1)
    together, _ = serve(settings, Recording, mask_cache_bytes=300_000)
    work = [(number, n + 1) for number in range(len(chains)) for n in range(4)]
    wanted = {(number, n): regions(click(alone, *chains[number][:n], number=number)) for number, n in work}
    chance.shuffle(work)
    answers = {
        (number, n): pool.submit(click, together, *chains[number][:n], number=100 * n + number)
        for number, n in work
    }
    for key, answer in answers.items():
        assert regions(answer.result(_PATIENCE_S)) == wanted[key]


def test_opening_a_task_encodes_its_picture_before_the_first_click(settings: Settings) -> None:
    app, model = serve(settings, Recording)
    assert ask(app, predict_body())[0] == 200
    wait_for(lambda: metric(app, 'maskloop_encoded_ahead_total{outcome="encoded"}') == 1)
    click(app, FIRST)
    assert len(model.encoded) == 1
    assert metric(app, 'maskloop_cache_lookups_total{cache="embedding",outcome="hit"}') == 1
    assert metric(app, 'maskloop_cache_lookups_total{cache="embedding",outcome="miss"}') == 0


def test_a_click_waits_for_the_picture_that_is_being_encoded_ahead(
    settings: Settings, pool: ThreadPoolExecutor
) -> None:
    app, model = serve(settings, Gated, compute_slots=1)
    model.may_segment.set()
    ask(app, predict_body())
    assert model.encoding.wait(_PATIENCE_S)
    waiting = pool.submit(click, app, FIRST)
    wait_for(lambda: clicks_at_the_device(app) == 1)
    model.may_encode.set()
    assert len(regions(waiting.result(_PATIENCE_S))) == 1
    assert len(model.encoded) == 1


def test_nothing_is_encoded_ahead_while_somebody_computes(
    settings: Settings, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.services.encoding_ahead._PATIENCE_S", _PATIENCE_S)
    app, model = serve(settings, Gated, compute_slots=2)
    blocker = block(app, model, pool)
    ask(app, predict_body(task("/data/local-files/?d=imgs/img1.png")))
    assert len(model.encoded) == 1
    model.may_segment.set()
    assert blocker.result(_PATIENCE_S)[0] == 200
    wait_for(lambda: len(model.encoded) == 2)


def test_opening_a_project_without_smart_tools_or_a_batch_of_tasks_encodes_nothing(
    settings: Settings,
) -> None:
    app, model = serve(settings, Recording)
    config = predict_body()["label_config"].replace('smart="true"', 'smart="false"')
    ask(app, predict_body(config=config))
    ask(app, predict_body(task(number=1), task("/data/local-files/?d=imgs/img1.png", number=2)))
    ask(app, predict_body(task("/data/local-files/?d=imgs/img2.png", number=3)))
    wait_for(lambda: metric(app, "maskloop_encoded_ahead_total") == 1)
    assert len(model.encoded) == 1


def test_an_older_click_that_still_waits_is_dropped_when_a_newer_one_arrives(
    settings: Settings, pool: ThreadPoolExecutor
) -> None:
    app, model = serve(settings, Gated, compute_slots=1)
    blocker = block(app, model, pool)
    waiting = []
    for number, prompts in enumerate(([FIRST], [FIRST, SECOND], [FIRST, SECOND, THIRD])):
        waiting.append(pool.submit(click, app, *prompts))
        wait_for(lambda arrived=number + 2: clicks_at_the_device(app) == arrived)  # type: ignore[misc]
    model.may_segment.set()
    first, second, last = (regions(future.result(_PATIENCE_S)) for future in waiting)
    assert blocker.result(_PATIENCE_S)[0] == 200
    assert (first, second) == ([], [])
    assert len(last) == 1
    assert metric(app, "maskloop_stale_clicks_total") == 2
    assert len(model.asked) == 1 + 3  # the blocker, and the three steps of the last request


def test_two_annotators_of_one_task_drop_none_of_each_others_clicks(
    settings: Settings, pool: ThreadPoolExecutor
) -> None:
    app, model = serve(settings, Gated, compute_slots=1)
    block(app, model, pool)
    own = [FIRST | {"id": "own"}]
    others = [FIRST | {"id": "other 1"}, SECOND | {"id": "other 2"}]
    waiting = [pool.submit(click, app, *prompts) for prompts in (own, others)]
    wait_for(lambda: clicks_at_the_device(app) == 3)
    model.may_segment.set()
    assert [len(regions(future.result(_PATIENCE_S))) for future in waiting] == [1, 1]
    assert metric(app, "maskloop_stale_clicks_total") == 0


def test_a_full_device_answers_503_and_says_when_to_try_again(
    settings: Settings, pool: ThreadPoolExecutor
) -> None:
    app, model = serve(settings, Gated, compute_slots=1, compute_queue=0)
    blocker = block(app, model, pool)
    refused = app.test_client().post("/predict", json=predict_body(prompts=[FIRST]))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert metric(app, "maskloop_device_refusals_total") == 1
    model.may_segment.set()
    assert blocker.result(_PATIENCE_S)[0] == 200
    assert len(regions(click(app, FIRST))) == 1


def test_every_answer_is_in_the_click_log(settings: Settings) -> None:
    app, _ = serve(settings, Recording)
    click(app, FIRST)
    click(app, FIRST, SECOND)
    click(app, box(100, 150, 200, 250))
    engine = create_engine(settings.resolved_database_url)

    def rows() -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(select(clicks).order_by(clicks.c.id)))

    wait_for(lambda: len(rows()) == 3)
    first, second, boxed = found = rows()
    engine.dispose()
    places = {(row.project_id, row.task_id, row.to_name, row.label) for row in found}
    assert places == {(2, 1, "image", "Coin")}
    assert first.prompts == {"clicks": [[pytest.approx(150), pytest.approx(200), True]], "box": None}
    assert first.overlap is None
    assert second.prompt_ids == [FIRST["id"], SECOND["id"]]
    assert 0 < second.overlap < 1
    assert boxed.prompts["box"] == pytest.approx([100, 150, 200, 250])
    assert all(row.area > 1000 and row.latency_ms > 0 for row in (first, second, boxed))
    assert first.model_version == "recording-1"
