from typing import ClassVar

import pytest

from models.errors import MaskloopError, UnknownNameError
from models.registry import Named, Registry


class Apple:
    name: ClassVar[str] = "apple"

    def __init__(self, weight: int = 100) -> None:
        self.weight = weight


class Pear:
    name: ClassVar[str] = "pear"


class OtherPear:
    name: ClassVar[str] = "pear"


class Nameless:
    name: ClassVar[str]


def test_names_are_sorted() -> None:
    assert Registry[Named]("fruit", [Pear, Apple]).names == ("apple", "pear")


def test_a_member_is_found_and_constructed_by_name() -> None:
    fruits: Registry[Apple] = Registry("fruit", [Apple])

    assert fruits.get("apple") is Apple
    assert fruits.create("apple").weight == 100
    assert fruits.create("apple", weight=80).weight == 80


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError) as caught:
        Registry[Named]("fruit", [Pear, Apple]).create("plum")

    assert str(caught.value) == "There is no fruit called 'plum'. Known names: apple, pear."
    assert isinstance(caught.value, MaskloopError)
    assert isinstance(caught.value, ValueError)


def test_a_name_can_be_used_only_once() -> None:
    with pytest.raises(ValueError, match="Two fruits are called 'pear'"):
        Registry[Named]("fruit", [Pear, OtherPear])


def test_a_class_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="The fruit Nameless has no name"):
        Registry("fruit", [Nameless])
