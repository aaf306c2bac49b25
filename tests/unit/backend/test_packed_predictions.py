import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from backend.state.packed_predictions import PackedPrediction
from models.interactive.base import Prediction

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))
LOGITS = st.none() | arrays(np.float32, (4, 5), elements=st.floats(-65536, 65536, width=32))


@given(mask=MASKS, score=st.floats(0, 1), logits=LOGITS)
def test_what_is_unpacked_equals_what_was_packed(
    mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    score: float,
    logits: np.ndarray[tuple[int, int], np.dtype[np.float32]] | None,
) -> None:
    restored = PackedPrediction.pack(Prediction(mask, score, logits)).unpack()

    assert restored.mask.dtype == bool
    assert np.array_equal(restored.mask, mask)
    assert restored.score == score
    if logits is None:
        assert restored.logits is None
    else:
        assert restored.logits is not None
        assert restored.logits.tobytes() == logits.tobytes()


def test_what_is_packed_does_not_follow_changes_of_the_arrays_nor_of_those_unpacked() -> None:
    mask, logits = np.ones((9, 9), bool), np.ones((3, 3), np.float32)
    packed = PackedPrediction.pack(Prediction(mask, 0.5, logits))
    mask[:], logits[:] = False, 0
    for _ in range(2):
        restored = packed.unpack()
        assert restored.mask.all()
        assert restored.logits is not None
        assert restored.logits.all()
        restored.mask[:], restored.logits[:] = False, 0


def test_a_small_object_in_a_large_picture_takes_little_memory() -> None:
    mask = np.zeros((4096, 4096), bool)
    mask[1000:1100, 2000:2100] = True
    assert PackedPrediction.pack(Prediction(mask, 1.0)).nbytes < 2000
