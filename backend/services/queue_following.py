"""Makes Label Studio ask tasks in the order of a round, sees whether it does, and undoes all that.

"Label All Tasks" obeys nothing but the project's sampling, and that obeys the scores of predictions of one
version. So the tasks' pre-labels are imported once more under the name of the round, with their place as
score, and the project is switched to them when all have arrived. "Label Tasks As Displayed" obeys the tab,
which is sorted by the same scores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import LabelStudioError, QueueRoundError
from backend.labelstudio.queue_settings import (
    LOWEST_SCORE_FIRST,
    QueueSettings,
    read_queue_settings,
    write_queue_settings,
)
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.stored_predictions import StoredPredictions
from backend.labelstudio.tabs import delete_tab, find_tab, put_tab
from backend.labelstudio.task_listing import UNFINISHED
from backend.services.prediction_import import Imported, PredictionImport, Predictions
from backend.state.queue_rounds import QueueRound, QueueRounds
from backend.state.version_info import answering_version, queue_round

TAB = "Queue"
_BY_SCORE = ("tasks:predictions_score",)
_BY_NUMBER = "Sequential sampling"


@dataclass(frozen=True)
class Followed:
    """What was done so that Label Studio follows a round.

    Attributes:
        imported: Predictions that had to be imported.
        switched: Whether the project had to be switched to them.
        n_there: Predictions of the round that Label Studio holds in the end.
    """

    imported: Imported
    switched: bool
    n_there: int


class QueueFollowing:
    """Label Studio's side of one project's queue. Used by one thread.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        rounds: Where rounds are remembered.
        names: Of all pre-labellers; versions of this service begin with them.
    """

    def __init__(
        self, api: LabelStudioApi, project_id: int, rounds: QueueRounds, names: Iterable[str]
    ) -> None:
        self._api = api
        self._project_id = project_id
        self._rounds = rounds
        self._stored = StoredPredictions(api)
        self._ours = tuple(f"{name}-" for name in names)

    def next_number(self) -> int:
        """A number that no round had, even if the database was lost.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
            DatabaseError: The rounds cannot be read.
        """
        newest = self._rounds.newest(self._project_id)
        names = self._stored.versions(self._project_id)
        used = [queue_round(name) or 0 for name in names if name.startswith(self._ours)]
        return max([0 if newest is None else newest.number, *used]) + 1

    def former(self) -> dict[str, Any]:
        """The settings to put back one day: those before the first round.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
            DatabaseError: The rounds cannot be read.
        """
        newest = self._rounds.newest(self._project_id)
        if newest is not None and newest.former is not None:
            return newest.former
        found = read_queue_settings(self._api, self._project_id)
        if queue_round(found.model_version) is not None:  # of a round that nobody remembers
            found = QueueSettings(_BY_NUMBER, "", found.show_collab_predictions)
        return found.to_json()

    def follow(self, order: QueueRound, predictions: Predictions) -> Followed:
        """Import what is missing, then switch the project over; does nothing that was done before.

        Args:
            order: The round.
            predictions: Pre-labels of the round's version.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached; doing it again goes on.
            QueueRoundError: Label Studio took none of the predictions.
            DatabaseError: The rounds cannot be written.
        """
        imported = self._import(order, predictions)
        n_there = self._stored.versions(self._project_id).get(order.queue_version, 0)
        if not n_there:
            raise QueueRoundError(
                f"Label Studio took none of the {len(order.task_ids)} predictions; its log says why."
            )
        wanted = QueueSettings(LOWEST_SCORE_FIRST, order.queue_version, show_collab_predictions=True)
        switched = read_queue_settings(self._api, self._project_id) != wanted
        if switched:
            write_queue_settings(self._api, self._project_id, wanted)
        if not self._has_tab():
            put_tab(self._api, self._project_id, TAB, [UNFINISHED], _BY_SCORE)
        self._rounds.finish(self._project_id, order.number)
        return Followed(imported, switched, n_there)

    def restore(self) -> tuple[QueueSettings, str]:
        """Put back what was set before the first round, and take the tab away.

        Returns:
            What is set now, and the version that could not be chosen again because it is gone, or "".

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
            QueueRoundError: There is nothing to put back.
            DatabaseError: The rounds cannot be read or written.
        """
        newest = self._rounds.newest(self._project_id)
        if newest is None or newest.former is None:
            raise QueueRoundError(f"Project {self._project_id} has no queue; there is nothing to put back.")
        wanted, lost = QueueSettings(**newest.former), ""
        try:
            write_queue_settings(self._api, self._project_id, wanted)
        except LabelStudioError as error:
            if error.status != 400 or not wanted.model_version:
                raise
            lost = wanted.model_version
            wanted = QueueSettings(wanted.sampling, "", wanted.show_collab_predictions)
            write_queue_settings(self._api, self._project_id, wanted)
        delete_tab(self._api, self._project_id, TAB)
        self._rounds.end(self._project_id)
        return wanted, lost

    def old_rounds(self, but: str = "") -> dict[str, int]:
        """Versions that carry orders of this service, besides one.

        Returns:
            Number of predictions by version.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        return {
            name: count
            for name, count in self._stored.versions(self._project_id).items()
            if count and name != but and queue_round(name) is not None and name.startswith(self._ours)
        }

    def delete(self, version: str) -> None:
        """Delete the predictions of a version; Label Studio's SQLite database is locked meanwhile.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        self._stored.delete(self._project_id, version)

    def _import(self, order: QueueRound, predictions: Predictions) -> Imported:
        there = self._stored.versions(self._project_id).get(order.queue_version, 0)
        if there >= len(order.task_ids):
            return Imported(0, {})
        importing = PredictionImport(self._api, self._project_id, order.queue_version)
        done: Collection[int] = importing.arrived() if there else ()
        left = [number for number in order.task_ids.tolist() if number not in done]
        scores = dict(zip(order.task_ids.tolist(), order.scores.tolist(), strict=True))

        def ordered(task_ids: Sequence[int]) -> Iterator[Mapping[str, Any]]:
            for number, prediction in zip(task_ids, predictions(task_ids), strict=True):
                yield {**prediction, "score": scores[number], "model_version": order.queue_version}

        return importing.run(left, ordered)

    def _has_tab(self) -> bool:
        """Whether the tab is there, and sorted as it was put there; filters are people's own affair."""
        tab = find_tab(self._api, self._project_id, TAB)
        return tab is not None and list(tab.data.get("ordering") or ()) == list(_BY_SCORE)


def shown_as(version: str) -> str:
    """How a version in the project's settings is called to people."""
    number = queue_round(version)
    if number is None:
        return version or "none"
    return f"{answering_version(version)} in the order of round {number}"
