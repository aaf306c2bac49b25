import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.byte_cache import ByteCache
from backend.services.click_chain import (
    ClickChain,
    MaskCache,
    StepAnswer,
    previous_step,
    replay,
    steps_of,
    strokes_of,
)
from models.interactive.base import Embedding, Prediction
from models.prompts import Box, Click, Prompts
from models.regions import Region
from tests.fakes.interactive import Recording

SIZE = (20, 30)
A, B, C = Click(1, 1), Click(5, 6), Click(9, 3)
BESIDE = Click(15, 15, positive=False)
BOX = Box(2, 2, 18, 25)


def new_cache(max_bytes: int = 10**9) -> MaskCache:
    return ByteCache(max_bytes, size_of=lambda step: step.nbytes, on_lookup=lambda _hit: None)


def chain_of(*clicks: Click, box: Box | None = None, start: Region | None = None) -> ClickChain:
    strokes = strokes_of(clicks, [str(n) for n in range(len(clicks))])
    return ClickChain("recording-1", "digest", steps_of(strokes, box), box, start)


def ask(chain: ClickChain, cache: MaskCache, model: Recording) -> StepAnswer:
    return replay(chain, SIZE, cache, lambda *given: model.segment(Embedding(SIZE), *given))


def same(one: StepAnswer, other: StepAnswer) -> bool:
    first, second = one.packed.unpack(), other.packed.unpack()
    assert first.logits is not None
    assert second.logits is not None
    return (
        np.array_equal(first.mask, second.mask)
        and (first.score, one.overlap) == (second.score, other.overlap)
        and first.logits.tobytes() == second.logits.tobytes()
    )


CLICKS = st.builds(Click, st.integers(0, SIZE[0] - 1), st.integers(0, SIZE[1] - 1), st.booleans())
CHAINS = st.builds(
    lambda clicks, box, start: chain_of(A, *clicks, box=box, start=start),
    st.lists(CLICKS, max_size=40),
    st.none() | st.just(BOX),
    st.none() | st.just(Region(np.ones((3, 4), bool), 5, 5)),
)


@given(chain=CHAINS, seed=st.integers())
def test_an_answer_is_the_same_with_a_cache_without_one_and_when_anything_was_lost(
    chain: ClickChain, seed: int
) -> None:
    chance = random.Random(seed)
    model = Recording()
    kept, forgetful, tiny = new_cache(), new_cache(), new_cache(2000)
    for last in range(1, len(chain.steps) + 1):
        part = replace(chain, steps=chain.steps[:last])
        wanted = ask(part, new_cache(0), model)
        assert same(ask(part, kept, model), wanted)
        assert same(ask(part, tiny, model), wanted)
        if chance.random() < 0.5:
            forgetful = new_cache()
        assert same(ask(part, forgetful, model), wanted)


@given(chain=CHAINS)
def test_asking_for_the_whole_chain_first_changes_nothing(chain: ClickChain) -> None:
    model, cache = Recording(), new_cache()
    ask(chain, cache, model)
    for last in range(1, len(chain.steps) + 1):
        part = replace(chain, steps=chain.steps[:last])
        assert same(ask(part, cache, model), ask(part, new_cache(), model))


def test_a_further_click_costs_one_call_and_a_lost_chain_one_for_each_step() -> None:
    model, cache = Recording(), new_cache()
    for clicks in ((A,), (A, B), (A, B, C)):
        ask(chain_of(*clicks), cache, model)
    assert model.asked == [(Prompts((A,)), False), (Prompts((A, B)), True), (Prompts((A, B, C)), True)]
    model.asked.clear()
    ask(chain_of(A, B, C), cache, model)
    assert model.asked == []
    ask(chain_of(A, B, C), new_cache(), model)
    assert len(model.asked) == 3


def test_a_moved_click_makes_another_chain_from_there_on() -> None:
    model, cache = Recording(), new_cache()
    ask(chain_of(A, B), cache, model)
    model.asked.clear()
    moved = Click(5, 7)
    answer = ask(chain_of(A, moved), cache, model)
    assert model.asked == [(Prompts((A, moved)), True)]
    assert same(answer, ask(chain_of(A, moved), new_cache(), model))


def test_a_stroke_is_one_step_however_many_clicks_it_has() -> None:
    stroke = [Click(row, 4) for row in range(20)]
    strokes = strokes_of([A, *stroke, B], ["a", *["s"] * 20, "b"])
    assert strokes == ((A,), tuple(stroke), (B,))
    model = Recording()
    ask(ClickChain("v", "d", steps_of(strokes, None)), new_cache(), model)
    assert [len(prompts.clicks) for prompts, _ in model.asked] == [1, 21, 22]


def test_clicks_without_known_ids_are_steps_of_their_own() -> None:
    assert strokes_of([A, B], []) == ((A,), (B,))


@pytest.mark.parametrize(
    ("strokes", "box", "expected"),
    [
        ([(A,), (B,)], None, ((A,), (B,))),
        ([(BESIDE,), (A,), (B,)], None, ((BESIDE, A), (B,))),
        ([(BESIDE, A), (B,)], None, ((BESIDE, A), (B,))),
        ([(BESIDE,)], None, ((BESIDE,),)),
        ([], BOX, ((),)),
        ([(BESIDE,), (A,)], BOX, ((), (BESIDE,), (A,))),
    ],
)
def test_the_first_step_has_the_fewest_clicks_that_say_where_the_object_is(
    strokes: list[tuple[Click, ...]], box: Box | None, expected: tuple[tuple[Click, ...], ...]
) -> None:
    assert steps_of(strokes, box) == expected


def test_the_object_to_be_corrected_is_what_the_first_step_sees() -> None:
    seen: list[Prediction | None] = []

    def segment(_prompts: Prompts, previous: Prediction | None) -> Prediction:
        seen.append(previous)
        return Prediction(np.ones(SIZE, bool), 0.5)

    region = Region(np.ones((10, 30), bool), 0, 0)
    answer = replay(chain_of(A, start=region), SIZE, new_cache(), segment)
    (first,) = seen
    assert first is not None
    assert first.score == 1
    assert np.array_equal(first.mask, region.full_mask(SIZE))
    assert answer.overlap == 0.5


@pytest.mark.parametrize(
    "other",
    [
        replace(chain_of(A, B), model_version="2"),
        replace(chain_of(A, B), image_digest="other"),
        chain_of(A, C),
        chain_of(A, Click(5, 6, positive=False)),
        chain_of(A, Click(5, 6.0000001)),
        chain_of(A, B, box=BOX),
        chain_of(A, B, start=Region(np.ones((3, 4), bool), 5, 5)),
        replace(chain_of(A, B), start_is_certain=False),
        replace(chain_of(A, B), steps=((A, B),)),
        replace(chain_of(A, B), steps=((A,), (), (B,))),
    ],
)
def test_whatever_changes_the_answer_changes_the_key(other: ClickChain) -> None:
    assert other.key(len(other.steps)) != chain_of(A, B).key(2)


def test_regions_of_the_same_shape_in_other_places_have_other_keys() -> None:
    regions = [
        Region(np.ones((3, 4), bool), 5, 5),
        Region(np.ones((3, 4), bool), 5, 6),
        Region(np.ones((4, 3), bool), 5, 5),
        Region(np.eye(3, 4, dtype=bool), 5, 5),
    ]
    assert len({chain_of(A, start=region).key(1) for region in regions}) == len(regions)


@given(number=st.integers(1, 100_000))
def test_any_number_of_clicks_is_answered_anew_with_few_calls(number: int) -> None:
    calls = 0
    while number:
        assert 0 <= previous_step(number) < number
        number = previous_step(number)
        calls += 1
    assert calls <= 32 + 12


def test_two_who_ask_for_the_same_chain_at_once_share_its_steps() -> None:
    model, cache = Recording(), new_cache()
    begun, go_on = threading.Event(), threading.Event()

    def slow(prompts: Prompts, previous: Prediction | None) -> Prediction:
        begun.set()
        assert go_on.wait(60)
        return model.segment(Embedding(SIZE), prompts, previous)

    with ThreadPoolExecutor(2) as pool:
        shorter = pool.submit(replay, chain_of(A), SIZE, cache, slow)
        assert begun.wait(60)
        longer = pool.submit(replay, chain_of(A, B), SIZE, cache, slow)
        go_on.set()
        assert shorter.result(60).overlap is None
        assert same(longer.result(60), ask(chain_of(A, B), new_cache(), Recording()))
    assert len(model.asked) == 2
