"""Checks of hyper-parameters, for the constructors of components."""

from models.errors import OptionError


def check_between(option: str, value: float, least: float, most: float) -> None:
    """Refuse a number outside its range.

    Args:
        option: What the number is called.
        value: The number.
        least: Smallest value that is allowed.
        most: Largest value that is allowed.

    Raises:
        OptionError: It lies outside, or is not a number.
    """
    if not least <= value <= most:
        raise OptionError(f"{option} must be from {least:g} to {most:g}, not {value:g}.")
