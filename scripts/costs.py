"""Hours, person-years and money: everything labelled by hand, or the most part by a model."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from backend.parts import needed_label_studio_api
from backend.services.costs import Cost, CostInputs, MeasuredCosts, assisted, by_hand
from backend.services.learning_curve import LearningCurve, fitted_curve
from backend.services.measured_effort import measured_effort
from backend.services.project_models import KIND
from backend.services.stop_evidence import judged_versions
from backend.settings import Settings
from backend.state.click_log import ClickLog
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from scripts.options import errors_to_exit

_EXAMPLE = CostInputs()
_ENOUGH = 0.95
"""Share of what any number of labels would reach that counts as enough."""


def main(
    project: Annotated[
        int | None, typer.Option(help="Take sizes, minutes and the share from what was done in this project.")
    ] = None,
    images: Annotated[int | None, typer.Option(min=1, help=f"Default {_EXAMPLE.images:,}.")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0, help=f"One labeller, one image, by hand. Default {_EXAMPLE.minutes:g}."),
    ] = None,
    assisted_minutes: Annotated[
        float | None, typer.Option(min=0, help="The same where a model helps. Default: as by hand.")
    ] = None,
    labellers: Annotated[int, typer.Option(min=1, help="People who label each image.")] = _EXAMPLE.labellers,
    audit_seconds: Annotated[
        float, typer.Option(min=0, help="One auditor, one automatic label.")
    ] = _EXAMPLE.audit_seconds,
    auditors: Annotated[
        int, typer.Option(min=0, help="People who check each automatic label.")
    ] = _EXAMPLE.auditors,
    audited_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the automatic labels that is checked.")
    ] = _EXAMPLE.audited_share,
    rate: Annotated[float, typer.Option(min=0, help="Money per hour.")] = _EXAMPLE.rate,
    year_hours: Annotated[float, typer.Option(min=1, help="Hours of a person-year.")] = _EXAMPLE.year_hours,
    labelled_share: Annotated[
        float | None,
        typer.Option(min=0, max=1, help=f"Share that people label. Default {_EXAMPLE.labelled_share:g}."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the costs of labelling by hand with those of labelling with a model.

    Without options it is the example of Bangert (2021): 250,000 images, 4 labellers at 2 minutes, 1 auditor
    at 10 seconds, 350 dollars per hour. With --project the number of images, the minutes and the share that
    people labelled are the project's, as far as they are known and not given.
    """
    measured, curve = None, None
    if project is not None:
        with errors_to_exit():
            settings = Settings.from_environment()
            measured, curve = _measured(settings, project), _curve(settings, project)
    inputs = replace(
        _EXAMPLE if measured is None else with_measured(_EXAMPLE, measured),
        labellers=labellers,
        audit_seconds=audit_seconds,
        auditors=auditors,
        audited_share=audited_share,
        rate=rate,
        year_hours=year_hours,
    )
    inputs = replace(
        inputs,
        images=inputs.images if images is None else images,
        minutes=inputs.minutes if minutes is None else minutes,
        assisted_minutes=inputs.assisted_minutes if assisted_minutes is None else assisted_minutes,
        labelled_share=inputs.labelled_share if labelled_share is None else labelled_share,
    )
    hand, helped = by_hand(inputs), assisted(inputs)
    if as_json:
        values = {"inputs": asdict(inputs), "by_hand": _json(hand), "assisted": _json(helped)}
        shown = {"measured": None if measured is None else _measured_json(measured, curve)}
        typer.echo(json.dumps(values | shown, indent=1))
        return
    console = Console(soft_wrap=True, highlight=False)
    if measured is not None:
        _say_measured(console, measured, curve)
    console.print(_table(inputs, hand, helped))


def with_measured(inputs: CostInputs, measured: MeasuredCosts) -> CostInputs:
    """Inputs with all that is known of a project; what is unknown stays as it is.

    The share is that of today, as if the model labelled all the rest now.
    """
    inputs = replace(inputs, images=max(measured.tasks, 1), assisted_minutes=measured.assisted_minutes)
    if measured.minutes is not None:
        inputs = replace(inputs, minutes=measured.minutes)
    if measured.tasks and measured.labelled:
        inputs = replace(inputs, labelled_share=measured.labelled / measured.tasks)
    return inputs


def _measured(settings: Settings, project: int) -> MeasuredCosts:
    api = needed_label_studio_api(settings)
    log = ClickLog(open_database(settings.resolved_database_url), keep_days=settings.click_log_days)
    try:
        return measured_effort(api, log, project)
    finally:
        log.close()


def _curve(settings: Settings, project: int) -> LearningCurve | None:
    versions = judged_versions(ModelStore(settings.versions_dir).versions(project), KIND)
    return fitted_curve([version.point for version in versions if version.point is not None])


def _say_measured(console: Console, measured: MeasuredCosts, curve: LearningCurve | None) -> None:
    share = measured.automation_share
    console.print(f"Tasks: {measured.tasks}, of which people labelled {measured.labelled}")
    console.print(f"Only annotated automatically: {measured.automatic}")
    if share is not None:
        console.print(f"Share that people did not label: {share:.1%}")
    console.print(f"Lead times add up to {measured.hours:.1f} h.")
    for what, value in (("from nothing", measured.minutes), ("from a pre-label", measured.assisted_minutes)):
        console.print(f"Median {what}: " + ("not known" if value is None else f"{value:.2f} min"))
    if measured.clicks is not None:
        console.print(f"Median clicks in tasks with any: {measured.clicks:g}")
    if curve is not None:
        console.print(
            f"By the learning curve, {curve.labels_to(_ENOUGH):.0f} annotated pictures reach "
            f"{_ENOUGH:.0%} of what any number would ({curve.ceiling:.3f})."
        )


def _table(inputs: CostInputs, hand: Cost, helped: Cost) -> Table:
    title = f"{inputs.images:,} images, {inputs.labelled_share:.1%} labelled by people in the second way"
    table = Table("", "by hand", "with a model", "saved", title=title)
    rows = (
        ("hours of labellers", hand.labelling_hours, helped.labelling_hours),
        ("hours of auditors", hand.audit_hours, helped.audit_hours),
        ("hours", hand.hours, helped.hours),
        ("person-years", hand.person_years, helped.person_years),
        ("money", hand.money, helped.money),
    )
    for name, before, after in rows:
        saved = f"{1 - after / before:.0%}" if before else ""
        digits = 1 if name == "person-years" else 0
        table.add_row(name, f"{before:,.{digits}f}", f"{after:,.{digits}f}", saved)
    return table


def _json(cost: Cost) -> dict[str, float]:
    return asdict(cost) | {"hours": cost.hours}


def _measured_json(measured: MeasuredCosts, curve: LearningCurve | None) -> dict[str, float | None]:
    enough = None if curve is None else curve.labels_to(_ENOUGH)
    known = enough is not None and math.isfinite(enough)
    return asdict(measured) | {
        "automation_share": measured.automation_share,
        "labels_that_are_enough": enough if known else None,
    }


if __name__ == "__main__":
    typer.run(main)
