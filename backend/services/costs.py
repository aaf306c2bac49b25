"""What labelling costs: everything by hand, against a model that labels the rest and people who audit it.

Source: Bangert 2021, arXiv:2103.05109. Its example has 250,000 images, 4 labellers at 2 minutes, 1 auditor at
10 seconds, and 350 dollars per hour: 12 M$ and 19 person-years by hand become 1.35 M$ and 2 person-years.
The share that people label and the hours of a person-year are not given; these figures follow from 9.7 % and
1,760 hours (220 days of 8):

* by hand 250,000 x 4 x 2 min = 33,333 h; x 350 = 11.67 M$; / 1,760 = 18.9 person-years;
* assisted 9.7 % of that = 3,233 h, and 90.3 % x 250,000 x 10 s = 627 h; together 3,860 h; x 350 = 1.351 M$;
  / 1,760 = 2.2 person-years.

Shares from 9.65 to 9.73 % round to the same; with 10 % it would be 1.39 M$.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class CostInputs:
    """What the costs follow from; the source's example unless said otherwise.

    Attributes:
        images: How many there are.
        minutes: Of one labeller for one image, by hand.
        labellers: Who label each image, independently.
        audit_seconds: Of one auditor for one automatic label.
        auditors: Who check each automatic label.
        rate: Money per hour.
        year_hours: Hours of a person-year.
        labelled_share: Of the images that people label where a model helps, in [0, 1].
        assisted_minutes: As `minutes`, where a model helps; None if it does not make them faster.
        audited_share: Of the automatic labels that are checked, in [0, 1].
    """

    images: int = 250_000
    minutes: float = 2.0
    labellers: int = 4
    audit_seconds: float = 10.0
    auditors: int = 1
    rate: float = 350.0
    year_hours: float = 1760.0
    labelled_share: float = 0.097
    assisted_minutes: float | None = None
    audited_share: float = 1.0


@dataclass(frozen=True)
class Cost:
    """What one way of labelling costs.

    Attributes:
        labelling_hours: Of labellers.
        audit_hours: Of auditors.
        money: In the unit of the rate.
        person_years: Of both.
    """

    labelling_hours: float
    audit_hours: float
    money: float
    person_years: float

    @property
    def hours(self) -> float:
        """Of labellers and auditors."""
        return self.labelling_hours + self.audit_hours


def by_hand(inputs: CostInputs) -> Cost:
    """People label every image; nobody audits."""
    return _cost(inputs, inputs.images * inputs.labellers * inputs.minutes / 60, 0.0)


def assisted(inputs: CostInputs) -> Cost:
    """People label a share of the images, a model labels the rest, and auditors check that."""
    minutes = inputs.minutes if inputs.assisted_minutes is None else inputs.assisted_minutes
    labelled = inputs.images * inputs.labelled_share
    checked = (inputs.images - labelled) * inputs.audited_share
    return _cost(
        inputs,
        labelled * inputs.labellers * minutes / 60,
        checked * inputs.auditors * inputs.audit_seconds / 3600,
    )


def _cost(inputs: CostInputs, labelling_hours: float, audit_hours: float) -> Cost:
    hours = labelling_hours + audit_hours
    return Cost(labelling_hours, audit_hours, hours * inputs.rate, hours / inputs.year_hours)


@dataclass(frozen=True)
class LabelledTask:
    """What people did in one task.

    Attributes:
        lead_times_s: Of each submitted annotation whose time is known, and whether it began from a pre-label.
        automatic: Whether all of its annotations are automatic ones that nobody has looked at.
    """

    lead_times_s: Sequence[tuple[float, bool]]
    automatic: bool


@dataclass(frozen=True)
class MeasuredCosts:
    """What a project has cost so far.

    Attributes:
        tasks: How many it has.
        labelled: How many people labelled.
        automatic: How many hold only automatic annotations.
        hours: Of people, the sum of the lead times.
        minutes: Median lead time of annotations that began from nothing; None without any.
        assisted_minutes: Median lead time of those that began from a pre-label; None without any.
        clicks: Median number of smart clicks and boxes in the tasks where people used them; None without any.
    """

    tasks: int
    labelled: int
    automatic: int
    hours: float
    minutes: float | None
    assisted_minutes: float | None
    clicks: float | None

    @property
    def automation_share(self) -> float | None:
        """1 - labelled by people / all, the source's measure; None in a project without tasks."""
        return 1 - self.labelled / self.tasks if self.tasks else None


def measured_costs(n_tasks: int, annotated: Sequence[LabelledTask], clicks: Sequence[int]) -> MeasuredCosts:
    """Sum up what people did in a project.

    Medians, because whoever leaves a task open over lunch has a lead time of an hour.

    Args:
        n_tasks: Tasks of the project.
        annotated: Those with annotations.
        clicks: Prompts by task, where there are any.
    """
    own = [task for task in annotated if not task.automatic]
    times = [time for task in own for time in task.lead_times_s]
    return MeasuredCosts(
        tasks=n_tasks,
        labelled=len(own),
        automatic=len(annotated) - len(own),
        hours=sum(seconds for seconds, _ in times) / 3600,
        minutes=_median_minutes([seconds for seconds, helped in times if not helped]),
        assisted_minutes=_median_minutes([seconds for seconds, helped in times if helped]),
        clicks=float(median(clicks)) if clicks else None,
    )


def _median_minutes(seconds: Sequence[float]) -> float | None:
    return median(seconds) / 60 if seconds else None
