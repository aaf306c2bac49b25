from collections.abc import Sequence

from backend.labelstudio.prompts import PromptGroup
from backend.services.stale_clicks import StaleClicks
from models.prompts import Box, Click, Prompts

TASK = (2, 7)
A, B, C = ("a", Click(1, 1)), ("b", Click(2, 2)), ("c", Click(3, 3, positive=False))


def group(*clicks: tuple[str, Click], label: str = "Cell", box: tuple[str, Box] | None = None) -> PromptGroup:
    prompts = Prompts(tuple(click for _, click in clicks), box[1] if box else None)
    ids = tuple(filter(None, [*([box[0]] if box else []), *(prompt_id for prompt_id, _ in clicks)]))
    return PromptGroup("image", label, prompts, (10, 10), ids)


def is_stale(
    first: Sequence[PromptGroup], second: Sequence[PromptGroup], task: tuple[int, int] = TASK
) -> bool:
    """Whether the second request makes the first one stale; it never becomes stale itself."""
    requests = StaleClicks()
    with requests.watch(TASK, first) as first_is_stale, requests.watch(task, second) as second_is_stale:
        assert not second_is_stale()
        return first_is_stale()


def test_a_further_click_makes_the_request_before_it_stale() -> None:
    assert is_stale([group(A)], [group(A, B)])
    assert is_stale([group(A, B)], [group(A, B, C)])


def test_a_request_stays_stale_when_the_newer_one_was_answered_first() -> None:
    requests = StaleClicks()
    with requests.watch(TASK, [group(A)]) as stale:
        with requests.watch(TASK, [group(A, B)]):
            pass
        assert stale()


def test_a_request_with_fewer_prompts_makes_none_stale() -> None:
    assert not is_stale([group(A, B)], [group(A)])


def test_the_same_request_again_makes_none_stale() -> None:
    assert not is_stale([group(A)], [group(A)])


def test_two_people_on_one_task_make_each_other_nothing() -> None:
    same_place = ("other", A[1])
    assert not is_stale([group(A)], [group(same_place, B)])


def test_a_moved_point_makes_no_request_stale() -> None:
    assert not is_stale([group(A)], [group(("a", Click(1, 2)), B)])


def test_another_task_makes_no_request_stale() -> None:
    assert not is_stale([group(A)], [group(A, B)], task=(2, 8))
    assert not is_stale([group(A)], [group(A, B)], task=(3, 7))


def test_another_label_makes_no_request_stale() -> None:
    assert not is_stale([group(A)], [group(B, label="Other")])


def test_a_further_rectangle_makes_the_request_before_it_stale() -> None:
    one, two = ("1", Box(0, 0, 4, 4)), ("2", Box(5, 5, 9, 9))
    assert is_stale([group(box=one)], [group(box=one), group(box=two)])


def test_requests_without_ids_are_never_stale() -> None:
    assert not is_stale([group(("", A[1]))], [group(("", A[1]), B)])
    assert not is_stale([group(("", A[1]), B)], [group(("", A[1]), B, C)])


def test_nothing_is_remembered_of_answered_requests() -> None:
    requests = StaleClicks()
    with requests.watch(TASK, [group(A, B)]):
        pass
    assert requests.open_tasks == 0
