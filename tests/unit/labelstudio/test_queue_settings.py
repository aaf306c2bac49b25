"""What decides which task comes next: read, set, put back."""

from __future__ import annotations

import httpx
import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.queue_settings import (
    LOWEST_SCORE_FIRST,
    QueueSettings,
    read_queue_settings,
    write_queue_settings,
)
from backend.labelstudio.rest import LabelStudioApi
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.requests import CONFIG

ORDERED = QueueSettings(LOWEST_SCORE_FIRST, "watershed-1.q1", True)


@pytest.mark.parametrize("former", [("Sequential sampling", "", False), ("Uniform sampling", "old", True)])
def test_what_was_set_before_can_be_put_back(former: tuple[str, str, bool]) -> None:
    studio = BulkLabelStudio(CONFIG, {1: {}, 2: {}})
    studio.sampling, studio.shown, studio.shows = former
    studio.predictions = [
        {"task": 1, "score": 0.5, "model_version": version} for version in ("old", "watershed-1.q1")
    ]
    before = read_queue_settings(studio.api, 1)
    assert before == QueueSettings(*former)
    write_queue_settings(studio.api, 1, ORDERED)
    assert read_queue_settings(studio.api, 1) == ORDERED
    write_queue_settings(studio.api, 1, QueueSettings(**before.to_json()))
    assert (studio.sampling, studio.shown, studio.shows) == former


def test_a_version_without_predictions_is_refused() -> None:
    with pytest.raises(LabelStudioError) as caught:
        write_queue_settings(BulkLabelStudio(CONFIG, {}).api, 1, ORDERED)
    assert caught.value.status == 400


def test_an_answer_that_is_no_project_is_said() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=[]))
    with pytest.raises(LabelStudioError, match="no sampling for project 1"):
        read_queue_settings(LabelStudioApi("http://ls.example.com", LegacyToken("k"), transport=transport), 1)
