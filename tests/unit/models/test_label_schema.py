import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.label_schema import LabelSchema, Question

NAMES = st.lists(st.text(max_size=8), max_size=4).map(tuple)
QUESTIONS = st.builds(Question, st.text(max_size=8), NAMES, st.booleans())


@given(st.builds(LabelSchema, NAMES, st.lists(QUESTIONS, max_size=3).map(tuple)))
def test_a_schema_survives_json(schema: LabelSchema) -> None:
    assert LabelSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_the_order_of_classes_matters() -> None:
    assert LabelSchema(("a", "b")) != LabelSchema(("b", "a"))


@pytest.mark.parametrize(
    "value", [{}, {"classes": []}, {"classes": [], "questions": [{"name": "a", "answers": []}]}]
)
def test_a_missing_field_is_an_error(value: dict[str, object]) -> None:
    with pytest.raises(KeyError):
        LabelSchema.from_json(value)


@pytest.mark.parametrize("value", [{"classes": 3, "questions": []}, {"classes": [], "questions": None}])
def test_a_field_of_another_type_is_an_error(value: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        LabelSchema.from_json(value)
