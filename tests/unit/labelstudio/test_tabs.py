"""Tabs are put beside those that people have, and never twice."""

from __future__ import annotations

import httpx
import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.tabs import Tab, delete_tab, find_tab, put_tab
from backend.labelstudio.task_listing import DRAFTED, UNFINISHED
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.requests import CONFIG


@pytest.fixture
def studio() -> BulkLabelStudio:
    return BulkLabelStudio(CONFIG, {})


def test_a_tab_is_made_and_a_project_without_tabs_keeps_one_for_everything(studio: BulkLabelStudio) -> None:
    put_tab(studio.api, 1, "Queue", [UNFINISHED], ["tasks:predictions_score"])
    assert studio.tabs[1]["title"] == "Default"
    hidden = studio.tabs[1]["hiddenColumns"]
    assert set(hidden["explore"]) < set(hidden["labeling"])
    assert "tasks:predictions_results" in hidden["explore"]
    filters = {"conjunction": "and", "items": [UNFINISHED]}
    wanted = {
        "title": "Queue",
        "ordering": ["tasks:predictions_score"],
        "filters": filters,
        "hiddenColumns": hidden,
    }
    assert find_tab(studio.api, 1, "Queue") == Tab(2, wanted)


def test_a_tab_that_is_there_is_changed_and_keeps_what_people_set(studio: BulkLabelStudio) -> None:
    studio.tabs = {4: {"title": "Mine"}, 7: {"title": "Queue", "gridWidth": 3}}
    for condition in (UNFINISHED, DRAFTED):
        put_tab(studio.api, 1, "Queue", [condition], ["tasks:id"])
    assert list(studio.tabs) == [4, 7]
    assert studio.tabs[7]["gridWidth"] == 3
    assert studio.tabs[7]["filters"]["items"] == [DRAFTED]


def test_only_the_tab_of_that_title_is_deleted_and_only_once(studio: BulkLabelStudio) -> None:
    studio.tabs = {4: {"title": "Mine"}, 7: {"title": "Queue"}}
    delete_tab(studio.api, 1, "Queue")
    delete_tab(studio.api, 1, "Queue")
    assert studio.tabs == {4: {"title": "Mine"}}
    assert studio.writes == ["DELETE /api/dm/views/7"]
    assert find_tab(studio.api, 1, "Queue") is None


def test_an_answer_that_is_no_list_is_said() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"results": []}))
    api = LabelStudioApi("http://ls.example.com", LegacyToken("k"), transport=transport)
    with pytest.raises(LabelStudioError, match="list the tabs of project 1"):
        find_tab(api, 1, "Queue")
