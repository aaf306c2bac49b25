"""The classes of one component family, by name."""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from models.errors import UnknownNameError


class Named(Protocol):
    """What a family member must have: a name that is unique in its family."""

    name: ClassVar[str]


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """An explicit list of classes; order does not matter and importing it has no side effects.

    Args:
        kind: What a member is called in messages, such as "pre-labeller".
        classes: The concrete classes. Passing an abstract one is a type error at the registration line.

    Raises:
        ValueError: A class has no name, or two classes share one.
    """

    def __init__(self, kind: str, classes: Sequence[type[T]]) -> None:
        self.kind = kind
        self._classes: dict[str, type[T]] = {}
        for cls in classes:
            name = getattr(cls, "name", "")
            if not name:
                raise ValueError(f"The {kind} {cls.__name__} has no name.")
            if name in self._classes:
                raise ValueError(f"Two {kind}s are called {name!r}.")
            self._classes[name] = cls

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._classes))

    def get(self, name: str) -> type[T]:
        """Return the class of that name.

        Raises:
            UnknownNameError: No member has this name.
        """
        try:
            return self._classes[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self.names) from None

    def create(self, name: str, **options: Any) -> T:
        """Construct the member of that name with the given hyper-parameters.

        Raises:
            UnknownNameError: No member has this name.
        """
        return self.get(name)(**options)
