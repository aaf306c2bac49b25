"""Chains of components written as text, such as `fill-holes,smooth-outline:radius=2,keep-largest`.

Steps are separated by commas, and so are the options of a step; what has an equals sign and no colon before
it belongs to the step before it.
"""

import inspect
from collections.abc import Iterable
from typing import Any, Literal, TypeVar, get_args, get_origin

from models.errors import OptionError
from models.registry import Named, Registry

T = TypeVar("T", bound=Named)


def parse_chain(text: str) -> list[tuple[str, dict[str, str]]]:
    """Read the names of the steps and their options; nobody looks yet whether they exist.

    Args:
        text: The steps in order, as `name` or `name:option=value,option=value`; empty for no steps.

    Returns:
        Per step its name and its options, whose values are still text.

    Raises:
        OptionError: A part is neither a step nor an option, or an option is given twice.
    """
    steps: list[tuple[str, dict[str, str]]] = []
    for part in text.split(",") if text.strip() else ():
        head, equals, value = part.partition("=")
        before, colon, after = head.partition(":")
        if colon or not equals:
            steps.append((_filled(before, part), {}))
            head = after
        elif not steps:
            raise OptionError(f"{part.strip()!r} is an option without a step. Write name:option=value.")
        if equals:
            _add(steps[-1], _filled(head, part), _filled(value, part))
        elif colon:
            raise OptionError(f"{part.strip()!r} lacks a value. Write name:option=value.")
    return steps


def build_chain(registry: Registry[T], text: str | Iterable[str]) -> list[T]:
    """Construct the steps of a chain.

    Args:
        registry: The family that the steps are members of.
        text: See `parse_chain`; several texts are read one after the other.

    Returns:
        The steps in order, each constructed with its options.

    Raises:
        UnknownNameError: A step is not a member of the family.
        OptionError: The text cannot be read, or a step has no such option, or not with that value.
    """
    joined = text if isinstance(text, str) else ",".join(text)
    return [_build(registry, name, options) for name, options in parse_chain(joined)]


def _build(registry: Registry[T], name: str, options: dict[str, str]) -> T:
    parameters = inspect.signature(registry.get(name), eval_str=True).parameters
    unknown = sorted(set(options) - set(parameters))
    if unknown:
        known = f"It has {', '.join(sorted(parameters))}." if parameters else "It has none."
        raise OptionError(f"The {registry.kind} {name!r} has no option {', '.join(unknown)}. {known}")
    try:
        values = {
            option: _value(option, parameters[option].annotation, value) for option, value in options.items()
        }
        return registry.create(name, **values)
    except OptionError as error:
        raise OptionError(f"The {registry.kind} {name!r}: {error}") from None


def _value(option: str, kind: Any, text: str) -> object:
    """Turn text into what a constructor's parameter wants."""
    if get_origin(kind) is Literal:
        choices = {str(choice): choice for choice in get_args(kind)}
    elif kind is bool:
        choices = {"true": True, "false": False}
    elif kind is str:
        return text
    else:
        return _number(option, kind, text)
    if text not in choices:
        raise OptionError(f"{option} must be one of {', '.join(choices)}, not {text!r}.")
    return choices[text]


def _number(option: str, kind: Any, text: str) -> float:
    whole = kind is int
    try:
        return int(text) if whole else float(text)
    except ValueError:
        wanted = "a whole number" if whole else "a number"
        raise OptionError(f"{option} must be {wanted}, not {text!r}.") from None


def _filled(text: str, part: str) -> str:
    """What is not blank, without blanks around it."""
    if not text.strip():
        raise OptionError(f"{part.strip()!r} is not a step. Write name or name:option=value.")
    return text.strip()


def _add(step: tuple[str, dict[str, str]], option: str, value: str) -> None:
    name, options = step
    if option in options:
        raise OptionError(f"The option {option!r} of {name!r} is given twice.")
    options[option] = value
