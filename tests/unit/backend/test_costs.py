import pytest

from backend.services.costs import CostInputs, LabelledTask, assisted, by_hand, measured_costs
from scripts.costs import with_measured

EXAMPLE = CostInputs()


def test_the_example_of_bangert_2021_is_reproduced_exactly() -> None:
    assert (EXAMPLE.images, EXAMPLE.labellers, EXAMPLE.minutes) == (250_000, 4, 2)
    assert (EXAMPLE.auditors, EXAMPLE.audit_seconds, EXAMPLE.rate) == (1, 10, 350)
    hand, helped = by_hand(EXAMPLE), assisted(EXAMPLE)
    assert round(hand.money / 1e6) == 12
    assert round(hand.person_years) == 19
    assert round(helped.money / 1e6, 2) == 1.35
    assert round(helped.person_years) == 2


def test_hours_are_those_of_the_arithmetic() -> None:
    assert by_hand(EXAMPLE).hours == pytest.approx(250_000 * 4 * 2 / 60)
    helped = assisted(EXAMPLE)
    assert helped.labelling_hours == pytest.approx(24_250 * 8 / 60)
    assert helped.audit_hours == pytest.approx(225_750 / 360)
    assert helped.money == pytest.approx(350 * helped.hours)
    assert helped.person_years == pytest.approx(helped.hours / 1760)


def test_a_faster_labeller_and_a_smaller_audit_cost_less() -> None:
    inputs = CostInputs(labelled_share=0.5, assisted_minutes=1.0, audited_share=0.1, auditors=2)
    helped = assisted(inputs)
    assert helped.labelling_hours == pytest.approx(125_000 * 4 / 60)
    assert helped.audit_hours == pytest.approx(12_500 * 2 * 10 / 3600)


def test_where_people_label_everything_the_model_saves_nothing() -> None:
    inputs = CostInputs(labelled_share=1.0)
    assert assisted(inputs) == by_hand(inputs)


def test_a_project_is_summed_up_by_medians_of_people_alone() -> None:
    tasks = [
        LabelledTask([(60, False)], automatic=False),
        LabelledTask([(120, False), (3600, False)], automatic=False),
        LabelledTask([(30, True)], automatic=False),
        LabelledTask([], automatic=True),
    ]
    measured = measured_costs(10, tasks, [3, 5, 1])
    assert (measured.labelled, measured.automatic) == (3, 1)
    assert (measured.minutes, measured.assisted_minutes, measured.clicks) == (2, 0.5, 3)
    assert measured.hours == pytest.approx(3810 / 3600)
    assert measured.automation_share == pytest.approx(0.7)


def test_what_is_not_known_of_a_project_stays_as_it_was() -> None:
    empty = measured_costs(0, [], [])
    assert empty.automation_share is None
    assert with_measured(EXAMPLE, empty) == CostInputs(images=1)
    known = measured_costs(40, [LabelledTask([(30, True)], automatic=False)], [])
    assert with_measured(EXAMPLE, known) == CostInputs(images=40, assisted_minutes=0.5, labelled_share=1 / 40)
