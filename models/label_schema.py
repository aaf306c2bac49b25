"""What a project asks about its pictures: the classes of its objects and the questions about the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """A question about the whole picture.

    Attributes:
        name: Unique in a schema.
        answers: The classes to choose from.
        multiple: Whether several answers may hold at once.
    """

    name: str
    answers: tuple[str, ...]
    multiple: bool = False


@dataclass(frozen=True)
class LabelSchema:
    """What a model of a project learns to say.

    Attributes:
        classes: Class names of objects, in the order of the config; the network's channels follow it.
        questions: Questions about the whole picture, in the order of the config.
    """

    classes: tuple[str, ...]
    questions: tuple[Question, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them."""
        questions = [
            {"name": each.name, "answers": list(each.answers), "multiple": each.multiple}
            for each in self.questions
        ]
        return {"classes": list(self.classes), "questions": questions}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LabelSchema:
        """Read what `to_json` wrote.

        Raises:
            KeyError: A field is missing.
            TypeError: A field is of another type.
        """
        questions = tuple(
            Question(each["name"], tuple(each["answers"]), bool(each["multiple"]))
            for each in value["questions"]
        )
        return cls(tuple(value["classes"]), questions)
