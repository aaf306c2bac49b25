from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from label_studio_sdk.converter import brush

from backend.errors import RequestError
from backend.labelstudio import rle
from models.arrays import Mask
from tests.unit.labelstudio.shapes import disc, size_of

sdk: Any = brush  # carries no type information
masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40))


def bits_of(*fields: tuple[int, int]) -> list[int]:
    text = "".join(f"{value:0{width}b}" for value, width in fields)
    text += "0" * (-len(text) % 8)
    return [int(text[index : index + 8], 2) for index in range(0, len(text), 8)]


def header(
    n_values: int, value_bits: int = 8, lengths: tuple[int, ...] = (3, 4, 8, 16)
) -> list[tuple[int, int]]:
    return [(n_values, 32), (value_bits - 1, 5), *((bits - 1, 4) for bits in lengths)]


@given(masks)
def test_decoding_gives_back_what_was_encoded(mask: Mask) -> None:
    np.testing.assert_array_equal(rle.decode(rle.encode(mask), size_of(mask)), mask)


@given(masks)
def test_encoding_equals_the_sdk_up_to_its_spare_zero_byte(mask: Mask) -> None:
    ours, theirs = rle.encode(mask), sdk.mask2rle(mask.astype(np.uint8) * 255)
    assert theirs[: len(ours)] == ours
    assert theirs[len(ours) :] in ([], [0])


@given(masks)
def test_the_sdk_reads_what_we_write(mask: Mask) -> None:
    alpha = sdk.decode_rle(rle.encode(mask)).reshape(*mask.shape, 4)[..., 3]
    np.testing.assert_array_equal(alpha, mask * 255)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_half_covered_pixels_of_a_hand_drawn_stroke_are_inside(alpha: np.ndarray[Any, Any]) -> None:
    np.testing.assert_array_equal(rle.decode(sdk.mask2rle(alpha), size_of(alpha)), alpha >= 128)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda hw: (*hw, 4))))
def test_only_alpha_of_unequal_channels_counts(rgba: np.ndarray[Any, Any]) -> None:
    height, width, _ = rgba.shape
    decoded = rle.decode(sdk.encode_rle(rgba.ravel()), (height, width))
    np.testing.assert_array_equal(decoded, rgba[..., 3] >= 128)


@given(
    alpha=st.lists(st.sampled_from([0, 127, 128, 255, 256, 40000]), min_size=1, max_size=30),
    value_bits=st.integers(16, 32),
    lengths=st.tuples(*[st.integers(1, 16)] * 4),
    data=st.data(),
)
def test_any_field_widths_and_literal_blocks_are_read(
    alpha: list[int], value_bits: int, lengths: tuple[int, ...], data: st.DataObject
) -> None:
    values = np.repeat(alpha, 4).tolist()
    fields = header(len(values), value_bits, lengths)
    position = 0
    while position < len(values):
        index = data.draw(st.integers(0, 3))
        longest = min(1 << lengths[index], len(values) - position)
        run = data.draw(st.booleans())
        if run:
            equal = next(
                (n for n in range(longest) if values[position + n] != values[position]),
                longest,
            )
            length = data.draw(st.integers(1, equal))
        else:
            length = data.draw(st.integers(1, longest))
        fields += [(int(run), 1), (index, 2), (length - 1, lengths[index])]
        fields += [(value, value_bits) for value in values[position : position + (1 if run else length)]]
        position += length
    decoded = rle.decode(bits_of(*fields), (1, len(alpha)))
    np.testing.assert_array_equal(decoded[0], np.asarray(alpha) >= 128)


def test_runs_above_65536_values_are_split() -> None:
    mask = np.zeros((300, 301), dtype=bool)
    mask[40:] = True
    np.testing.assert_array_equal(rle.decode(rle.encode(mask), size_of(mask)), mask)
    assert rle.encode(mask) == sdk.mask2rle(mask.astype(np.uint8) * 255)[: len(rle.encode(mask))]


def test_all_values_are_plain_integers() -> None:
    assert {type(value) for value in rle.encode(disc(32, 11))} == {int}


def test_extra_bytes_at_the_end_are_ignored() -> None:
    mask = disc(32, 11)
    np.testing.assert_array_equal(rle.decode([*rle.encode(mask), 7, 255, 0], size_of(mask)), mask)


def test_a_run_past_the_end_is_cut_as_in_the_editor() -> None:
    fields = [*header(8), (1, 1), (1, 2), (15, 4), (255, 8)]
    np.testing.assert_array_equal(rle.decode(bits_of(*fields), (1, 2)), [[True, True]])


def test_values_of_less_than_eight_bits_never_reach_half() -> None:
    fields = [*header(4, value_bits=7), (0, 1), (0, 2), (3, 3), *[(127, 7)] * 4]
    assert not rle.decode(bits_of(*fields), (1, 1)).any()


def test_another_size_is_refused_and_both_sizes_are_named() -> None:
    with pytest.raises(RequestError, match=r"4096 values.* width 20 and height 10 has 800"):
        rle.decode(rle.encode(disc(32, 11)), (10, 20))


def test_a_header_asking_for_gigabytes_allocates_nothing() -> None:
    with pytest.raises(RequestError, match="4294967295 values"):
        rle.decode([255] * 20, (10, 10))


@pytest.mark.parametrize("kept", [0, 3, 6, 7, 12])
def test_cut_short_codes_are_refused(kept: int) -> None:
    mask = disc(32, 11)
    with pytest.raises(RequestError, match="rle: "):
        rle.decode(rle.encode(mask)[:kept], size_of(mask))


@given(st.integers(1, 60))
def test_every_cut_but_of_the_padding_is_refused(missing: int) -> None:
    mask = disc(32, 11)
    with pytest.raises(RequestError, match=r"cut short|too few"):
        rle.decode(rle.encode(mask)[:-missing], size_of(mask))


@pytest.mark.parametrize(
    "value", ["AB1M", None, 12, {"rle": 1}, [1.5] * 9, [256] * 9, [-1] * 9, ["a"], [[1]]]
)
def test_what_is_no_list_of_bytes_is_refused(value: Any) -> None:
    with pytest.raises(RequestError, match=r"list of integers 0\.\.255"):
        rle.decode(value, (2, 2))


@given(st.lists(st.integers(0, 255), max_size=80))
def test_arbitrary_bytes_behind_a_fitting_header_never_crash(tail: list[int]) -> None:
    data = bits_of(*header(4 * 50 * 50))[:6] + tail
    try:
        assert rle.decode(data, (50, 50)).shape == (50, 50)
    except RequestError as error:
        assert str(error).startswith("rle: ")


def test_a_mask_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        rle.encode(np.zeros((0, 5), dtype=bool))
