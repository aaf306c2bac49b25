import pytest

from backend import errors
from models import errors as model_errors
from models.errors import MaskloopError
from scripts import errors as script_errors


def subclasses(cls: type[MaskloopError]) -> set[type[MaskloopError]]:
    return {cls}.union(*(subclasses(child) for child in cls.__subclasses__()))


def test_every_error_is_drawn_in_the_tree() -> None:
    tree = "".join(module.__doc__ or "" for module in (errors, model_errors, script_errors))
    assert [cls.__name__ for cls in subclasses(MaskloopError) if cls.__name__ not in tree] == []


@pytest.mark.parametrize("cls", list(subclasses(MaskloopError)), ids=lambda cls: cls.__name__)
def test_every_error_has_the_status_that_the_tree_says(cls: type[MaskloopError]) -> None:
    lines = [
        line for line in (errors.__doc__ or "").splitlines() if cls.__name__ in line.replace(",", " ").split()
    ]
    numbers = [int(word) for line in lines for word in line.split() if word.isdigit()]
    expected = numbers[0] if numbers else 500
    assert errors.http_status(cls.__new__(cls)) == expected
