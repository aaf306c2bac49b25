import pytest

from backend.errors import BackendError
from backend.labelstudio.answers import Answer


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_score_that_label_studio_would_choke_on_cannot_be_answered(score: float) -> None:
    with pytest.raises(BackendError, match="score"):
        Answer([], score, "m-1")


def test_an_answer_without_a_version_cannot_be_given() -> None:
    with pytest.raises(BackendError, match="without a version"):
        Answer([], 0.5, "")


def test_the_answer_has_exactly_the_three_fields_that_label_studio_reads() -> None:
    assert Answer([{"id": "a"}], 1, "m-1").to_json() == {
        "result": [{"id": "a"}],
        "score": 1.0,
        "model_version": "m-1",
    }
