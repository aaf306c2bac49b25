"""Objects that are much larger or smaller than the others."""

from dataclasses import replace

from backend.inspection.base import WARN_AT
from backend.inspection.unusual_size import UnusualSize
from tests.fakes.inspected import clean_project, clean_subject, disc, drawn


def test_an_object_of_twice_the_diameter_is_doubted_and_the_others_are_not() -> None:
    rule = UnusualSize()
    usual = rule.learn({key: rule.measure(subject) for key, subject in clean_project().items()})
    subject = clean_subject(77)
    large = drawn(disc(48, 60, 32), "cell", 0)
    issues = rule.judge("new", rule.measure(replace(subject, objects=(large, *subject.objects[1:]))), usual)

    assert [issue.severity >= WARN_AT for issue in issues] == [True, False, False]
    assert issues[0].region_ids == ("region-0",)
    assert issues[0].message.endswith("times larger than is usual for cell.")


def test_few_objects_of_a_class_say_nothing() -> None:
    rule = UnusualSize()
    measured = {key: rule.measure(subject) for key, subject in clean_project(3).items()}
    assert rule.learn(measured) == {}
