from typing import ClassVar, Literal

import pytest

from models.chain_text import build_chain, parse_chain
from models.errors import MaskloopError, OptionError, UnknownNameError
from models.options import check_between
from models.registry import Named, Registry


class Wash:
    name: ClassVar[str] = "wash"

    def __init__(
        self,
        *,
        degrees: int = 40,
        soap: float = 1.5,
        gentle: bool = False,
        cloth: Literal["wool", "silk"] = "wool",
        note: str = "",
    ) -> None:
        check_between("degrees", degrees, 0, 95)
        self.chosen = degrees, soap, gentle, cloth, note


class Dry:
    name: ClassVar[str] = "dry"


FAMILY = Registry[Named]("treatment", [Wash, Dry])


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", []),
        ("  ", []),
        ("dry", [("dry", {})]),
        ("dry,wash", [("dry", {}), ("wash", {})]),
        ("wash:degrees=60", [("wash", {"degrees": "60"})]),
        (" wash : degrees = 60 , soap=2 , dry ", [("wash", {"degrees": "60", "soap": "2"}), ("dry", {})]),
        ("dry,wash:note=a:b=c,dry", [("dry", {}), ("wash", {"note": "a:b=c"}), ("dry", {})]),
    ],
)
def test_a_chain_is_read_as_its_steps_and_their_options(
    text: str, steps: list[tuple[str, dict[str, str]]]
) -> None:
    assert parse_chain(text) == steps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("degrees=60", "option without a step"),
        ("dry,", "not a step"),
        ("wash:", "lacks a value"),
        ("wash:degrees", "lacks a value"),
        ("wash:degrees=", "not a step"),
        ("wash:=60", "not a step"),
        (":degrees=60", "not a step"),
        ("wash:soap=1,soap=2", "given twice"),
    ],
)
def test_text_that_is_no_chain_is_an_error(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_chain(text)


def test_steps_are_constructed_with_values_of_the_right_type() -> None:
    (wash,) = build_chain(FAMILY, "wash:degrees=60,soap=2,gentle=true,cloth=silk,note=7")

    assert isinstance(wash, Wash)
    assert wash.chosen == (60, 2.0, True, "silk", "7")


def test_several_texts_are_one_chain_wherever_the_commas_were_cut() -> None:
    built = build_chain(FAMILY, ["dry", "wash:degrees=60", "soap=2", "dry"])

    assert [step.name for step in built] == ["dry", "wash", "dry"]
    assert isinstance(built[1], Wash)
    assert built[1].chosen[:2] == (60, 2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dry:degrees=60", "The treatment 'dry' has no option degrees. It has none."),
        ("wash:colour=red", "no option colour. It has cloth, degrees, gentle, note, soap."),
        ("wash:degrees=warm", "The treatment 'wash': degrees must be a whole number, not 'warm'."),
        ("wash:degrees=1.5", "degrees must be a whole number"),
        ("wash:soap=much", "soap must be a number"),
        ("wash:gentle=1", "gentle must be one of true, false, not '1'."),
        ("wash:cloth=tin", "cloth must be one of wool, silk"),
        ("wash:degrees=100", "The treatment 'wash': degrees must be from 0 to 95, not 100."),
    ],
)
def test_an_option_that_a_step_does_not_take_is_an_error_that_says_what_it_takes(
    text: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        build_chain(FAMILY, text)
    assert isinstance(caught.value, MaskloopError)


def test_an_unknown_step_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"no treatment called 'iron'\. Known names: dry, wash"):
        build_chain(FAMILY, "dry,iron")


@pytest.mark.parametrize("value", [-1.0, 96.0, float("nan")])
def test_numbers_outside_their_range_are_refused(value: float) -> None:
    with pytest.raises(OptionError, match="degrees must be from 0 to 95"):
        check_between("degrees", value, 0, 95)


@pytest.mark.parametrize("value", [0, 40.5, 95])
def test_numbers_inside_their_range_are_not(value: float) -> None:
    check_between("degrees", value, 0, 95)
