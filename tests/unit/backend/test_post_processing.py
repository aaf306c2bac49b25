import numpy as np
import pytest

from backend.services.post_processing import post_process
from models.errors import OptionError, UnknownNameError
from models.postprocess import POST_PROCESSORS
from models.prompts import Click
from tests.fakes.shapes import PLAIN, SIZE_HW, box, disc, region_of

HOLED = disc(40, 50, 20) & ~disc(40, 50, 8)


def test_steps_are_applied_in_order_with_their_options() -> None:
    chain = ("fill-holes:max_share=0.5", "convex-hull")
    (found,) = post_process(chain, [region_of(HOLED | box(40, 5, 41, 6))], PLAIN)
    assert found.full_mask(SIZE_HW)[disc(40, 50, 20)].all()
    assert found.left == 5
    (kept,) = post_process(("fill-holes:max_share=0.1",), [region_of(HOLED)], PLAIN)
    assert np.array_equal(kept.full_mask(SIZE_HW), HOLED)


def test_no_steps_change_nothing() -> None:
    regions = [region_of(HOLED)]
    assert post_process((), regions, PLAIN) == regions


def test_a_chain_of_everything_keeps_to_what_was_clicked() -> None:
    crumb, inside, beside = Click(5, 95), Click(40, 50, False), Click(19, 50, False)
    drawn = HOLED | box(5, 95, 6, 96)
    found = post_process(POST_PROCESSORS.names, [region_of(drawn)], PLAIN, (crumb, inside, beside))
    mask = np.logical_or.reduce([region.full_mask(SIZE_HW) for region in found])
    assert mask[crumb.pixel]
    assert not mask[inside.pixel]
    assert not mask[beside.pixel]


@pytest.mark.parametrize(
    ("chain", "error"), [(("fill-hole",), UnknownNameError), (("fill-holes:share=1",), OptionError)]
)
def test_a_chain_that_cannot_be_made_is_an_error(chain: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        post_process(chain, [], PLAIN)
