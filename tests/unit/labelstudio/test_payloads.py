import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import RequestError
from backend.labelstudio.payloads import parse_predict, parse_setup, parse_webhook
from tests.fixtures.recorded import RecordedRequest, recorded_request, recorded_requests

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=12,
)
PREDICT_KEYS = st.sampled_from(["tasks", "project", "label_config", "params"])
SETUP_KEYS = st.sampled_from(["project", "schema", "hostname", "extra_params"])
EVENT_KEYS = st.sampled_from(["action", "project", "task", "tasks", "annotation", "annotations"])


def by_name(request: RecordedRequest) -> str:
    return request.name


def predict_body(**changes: Any) -> dict[str, Any]:
    body = {
        "tasks": [{"id": 4, "data": {"image": "/a.png"}, "project": 2}],
        "project": "2.1795219443",
        "label_config": "<View/>",
        "params": {"login": None, "password": None, "context": None},
    }
    return {**body, **changes}


def setup_body(**changes: Any) -> dict[str, Any]:
    body = {
        "project": "1.1795219392",
        "schema": "<View/>",
        "hostname": "http://localhost:8180",
        "access_token": "owner-token",
        "extra_params": None,
    }
    return {**body, **changes}


@pytest.mark.parametrize("request_", recorded_requests("/predict"), ids=by_name)
def test_every_recorded_predict_request_is_read(request_: RecordedRequest) -> None:
    parsed = parse_predict(request_.json)
    assert parsed.project == request_.json["project"]
    assert parsed.project_id == int(request_.json["project"].split(".")[0])
    assert [task.id for task in parsed.tasks] == [task["id"] for task in request_.json["tasks"]]
    assert [task.data for task in parsed.tasks] == [task["data"] for task in request_.json["tasks"]]
    sent = request_.json["params"]["context"]
    assert parsed.context == (None if sent is None else tuple(sent["result"]))


@pytest.mark.parametrize("request_", recorded_requests("/setup"), ids=by_name)
def test_every_recorded_setup_request_is_read(request_: RecordedRequest) -> None:
    parsed = parse_setup(request_.json)
    assert (parsed.project, parsed.project_id) == ("2.1795219443", 2)
    assert parsed.label_config == request_.json["schema"]
    assert parsed.extra_params == (request_.json["extra_params"] or {})
    assert request_.json["access_token"] not in repr(parsed)


@pytest.mark.parametrize("request_", recorded_requests("/webhook"), ids=by_name)
def test_every_recorded_event_is_read_without_its_secrets(request_: RecordedRequest) -> None:
    event = parse_webhook(request_.json)
    assert event.known
    assert event.action == request_.json["action"]
    assert event.project_id == 2
    assert event.body["project"]["label_config"] == request_.json["project"]["label_config"]
    assert request_.json["project"]["token"] not in repr(event)


@pytest.mark.parametrize(
    ("name", "action", "task_ids", "annotation_ids", "skipped"),
    [
        ("train-0", "START_TRAINING", (), (), False),
        ("annotation_create-0", "ANNOTATION_CREATED", (4,), (1,), False),
        ("annotation_skip-0", "ANNOTATION_CREATED", (5,), (2,), True),
        ("annotation_update-0", "ANNOTATION_UPDATED", (4,), (1,), False),
        ("annotations_delete_action-0", "ANNOTATIONS_DELETED", (), (2,), False),
        ("predictions_to_annotations-0", "ANNOTATIONS_CREATED", (7, 8), (3, 4), False),
        ("tasks_import-0", "TASKS_CREATED", (10, 11), (), False),
        ("task_delete-0", "TASKS_DELETED", (9,), (), False),
        ("project_patch_config-0", "PROJECT_UPDATED", (), (), False),
    ],
)
def test_an_event_says_what_it_concerns(
    name: str, action: str, task_ids: tuple[int, ...], annotation_ids: tuple[int, ...], skipped: bool
) -> None:
    event = parse_webhook(recorded_request(name).json)
    assert (event.action, event.task_ids, event.annotation_ids, event.skipped) == (
        action,
        task_ids,
        annotation_ids,
        skipped,
    )


def test_task_data_credentials_never_leave_the_parser() -> None:
    body = copy.deepcopy(recorded_request("train-0").json)
    body["project"].update(task_data_login="alice", task_data_password="hunter2")
    event = parse_webhook(body)
    assert "alice" not in repr(event) and "hunter2" not in repr(event)
    assert body["project"]["task_data_password"] == "hunter2"  # the caller's object is left alone
    assert "hunter2" not in repr(
        parse_predict(predict_body(params={"login": "alice", "password": "hunter2"}))
    )


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ({"model_version": "unet-p2-1-ca978112"}, "unet-p2-1-ca978112"),
        ({"model_version": ""}, ""),
        ({"model_version": None}, ""),
        ({"model_version": ["a"]}, ""),
        ({"model_version": "a\x00\ud800"}, ""),
        ({}, None),
        (None, None),
    ],
)
def test_an_event_says_which_version_the_project_shows(project: object, expected: str | None) -> None:
    event = parse_webhook({"action": "PROJECT_UPDATED", "project": project})
    assert event.chosen_version == expected


def test_a_recorded_event_says_which_version_the_project_shows() -> None:
    event = parse_webhook(recorded_request("annotation_create-0").json)
    assert event.chosen_version == "stub"


def test_an_unknown_action_is_accepted() -> None:
    event = parse_webhook({"action": "REVIEW_CREATED", "project": {"id": 3}, "review": {"id": 1}})
    assert (event.known, event.project_id, event.body["review"]) == (False, 3, {"id": 1})


def test_an_event_without_details_is_accepted() -> None:
    event = parse_webhook({"action": "ANNOTATION_CREATED"})
    assert (event.known, event.project_id, event.task_ids, event.skipped) == (True, None, (), False)
    assert event.body == {"action": "ANNOTATION_CREATED"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "The body must be an object, not a list."),
        ({}, "action must be a text, not null."),
        ({"action": ""}, "action must have 1 to 128 characters, not 0."),
        ({"action": "A" * 129}, "action must have 1 to 128 characters, not 129."),
        ({"action": "A", "project": 3}, "project must be an object, not a number."),
        ({"action": "A", "project": {"id": "3"}}, "project.id must be a whole number or null, not '3'."),
        ({"action": "A", "annotation": "x"}, "annotation must be an object, not a text."),
        ({"action": "A", "annotations": [{"id": 1}, 2]}, "annotations[1] must be an object, not a number."),
        (
            {"action": "A", "tasks": [{"id": True}]},
            "tasks[0].id must be a whole number or null, not a boolean.",
        ),
        ({"action": "A", "tasks": [{"id": -1}]}, "tasks[0].id must be a whole number or null, not -1."),
    ],
)
def test_a_malformed_event_is_refused_by_field(body: object, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_webhook(body)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "The body must be an object, not null."),
        (predict_body(tasks=None), "tasks must be a list, not null."),
        (predict_body(tasks={"id": 1}), "tasks must be a list, not an object."),
        (predict_body(tasks=["x"]), "tasks[0] must be an object, not a text."),
        (predict_body(tasks=[{"data": []}]), "tasks[0].data must be an object, not a list."),
        (predict_body(tasks=[{"id": 1}]), "tasks[0].data must be an object, not null."),
        (
            predict_body(tasks=[{"id": 1.5, "data": {}}]),
            "tasks[0].id must be a whole number or null, not 1.5.",
        ),
        (
            predict_body(tasks=[{"data": {}, "project": 10**400}]),
            "tasks[0].project must be a whole number or null, not a number.",
        ),
        (predict_body(label_config=None), "label_config must be a text, not null."),
        (predict_body(project="x"), "project must look like \"12.1700000000\", not 'x'."),
        (predict_body(project=[1]), 'project must look like "12.1700000000", not a list.'),
        (predict_body(project=True), 'project must look like "12.1700000000", not a boolean.'),
        (predict_body(params=[]), "params must be an object, not a list."),
        (predict_body(params={"context": "x"}), "params.context must be an object, not a text."),
        (
            predict_body(params={"context": {"result": {}}}),
            "params.context.result must be a list, not an object.",
        ),
        (
            predict_body(params={"context": {"result": [{}, None]}}),
            "params.context.result[1] must be an object, not null.",
        ),
    ],
)
def test_a_malformed_predict_request_is_refused_by_field(body: object, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_predict(body)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (setup_body(project=None), "project is missing."),
        (setup_body(schema=None), "schema must be a text, not null."),
        (setup_body(hostname=3), "hostname must be a text, not a number."),
        (setup_body(extra_params=[1]), "extra_params must be an object, not a list."),
        (setup_body(extra_params="{"), "extra_params must be a JSON object, not '{'."),
        (setup_body(extra_params="[1]"), "extra_params must be an object, not a list."),
        (
            setup_body(extra_params="[" * 100_000),
            "extra_params must be a JSON object, not '" + "[" * 80 + "'....",
        ),
    ],
)
def test_a_malformed_setup_request_is_refused_by_field(body: object, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_setup(body)
    assert str(caught.value) == message


@pytest.mark.parametrize("sent", [None, "", "{}", {}])
def test_no_extra_params_are_an_empty_object(sent: object) -> None:
    assert parse_setup(setup_body(extra_params=sent)).extra_params == {}


def test_extra_params_may_be_json_text() -> None:
    assert parse_setup(setup_body(extra_params='{"prelabeller": "otsu"}')).extra_params == {
        "prelabeller": "otsu"
    }


@pytest.mark.parametrize(
    ("sent", "project", "number"),
    [(None, None, None), ("", None, None), (7, "7", 7), ("7", "7", 7), ("7.1795219443", "7.1795219443", 7)],
)
def test_a_project_is_a_number_with_or_without_its_creation_time(
    sent: object, project: str | None, number: int | None
) -> None:
    request = parse_predict(predict_body(project=sent))
    assert (request.project, request.project_id) == (project, number)


@pytest.mark.parametrize("params", [None, {}, {"context": None}])
def test_without_a_context_pre_labels_are_asked_for(params: object) -> None:
    assert parse_predict(predict_body(params=params)).context is None


@pytest.mark.parametrize("context", [{}, {"result": None}, {"result": []}])
def test_a_context_without_prompts_is_still_a_request_for_masks(context: object) -> None:
    assert parse_predict(predict_body(params={"context": context})).context == ()


def of_task(**fields: Any) -> Any:
    (task,) = parse_predict(predict_body(tasks=[{"id": 4, "data": {}, "project": 2, **fields}])).tasks
    return task


def prediction(result: object, version: str, second: int) -> dict[str, Any]:
    return {"result": result, "model_version": version, "created_at": f"2026-11-21T07:42:{second:02}Z"}


def test_pre_labels_are_the_first_ones_of_the_version_stored_last() -> None:
    stored = [
        prediction(["again"], "2", 8),
        prediction(["first"], "2", 5),
        prediction(["old"], "1", 1),
        prediction(None, "3", 9),
        7,
    ]
    assert of_task(predictions=stored).prelabels == ("first",)


@pytest.mark.parametrize("review", ["cleaned-2", "inspect-1"])
def test_predictions_that_are_there_to_be_reviewed_are_no_pre_labels(review: str) -> None:
    stored = [prediction(["first"], "1", 1), prediction(["cleaned"], review, 2)]
    assert of_task(predictions=stored).prelabels == ("first",)
    assert of_task(predictions=stored[1:]).prelabels == ()


@pytest.mark.parametrize("drafts", [[{"result": []}], [{"result": ["drawn"]}]])
def test_once_there_is_a_draft_the_pre_labels_do_not_matter(drafts: list[Any]) -> None:
    task = of_task(predictions=[prediction(["first"], "1", 1)], drafts=drafts)
    assert task.prelabels == ()
    assert task.draft == tuple(drafts[0]["result"])


def test_messages_do_not_repeat_what_was_sent_at_length() -> None:
    with pytest.raises(RequestError) as caught:
        parse_predict(predict_body(project="x" * 1_000_000))
    assert len(str(caught.value)) < 200


def test_equal_requests_have_equal_fingerprints_whatever_else_the_task_holds() -> None:
    twin = predict_body(
        tasks=[{"project": 2, "data": {"image": "/a.png"}, "id": 4, "updated_at": "later", "drafts": [{}]}],
        params={"context": None, "login": "x"},
    )
    assert parse_predict(predict_body()).fingerprint() == parse_predict(twin).fingerprint()


def test_requests_for_different_things_have_different_fingerprints() -> None:
    point = {"id": "a", "value": {"x": 1.0, "y": 2.0}}
    bodies = [
        predict_body(),
        predict_body(project="3.1795219443"),
        predict_body(label_config="<View />"),
        predict_body(tasks=[]),
        predict_body(tasks=[{"id": 5, "data": {"image": "/a.png"}, "project": 2}]),
        predict_body(tasks=[{"id": 4, "data": {"image": "/b.png"}, "project": 2}]),
        predict_body(tasks=[{"id": 4, "data": {"image": "/a.png"}, "project": 2, "meta": {"frame": 3}}]),
        predict_body(params={"context": {"result": []}}),
        predict_body(params={"context": {"result": [point]}}),
        predict_body(params={"context": {"result": [{**point, "is_positive": False}]}}),
    ]
    assert len({parse_predict(body).fingerprint() for body in bodies}) == len(bodies)


def test_a_body_nested_too_deeply_for_a_fingerprint_is_refused() -> None:
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RequestError, match="nested too deeply"):
        parse_predict(predict_body(tasks=[{"data": {"image": deep}}])).fingerprint()


@given(key=PREDICT_KEYS, value=JSON)
def test_whatever_is_in_a_predict_request_it_is_read_or_refused(key: str, value: Any) -> None:
    try:
        fingerprint = parse_predict(predict_body(**{key: value})).fingerprint()
    except RequestError as error:
        assert str(error).endswith(".")
    else:
        assert len(fingerprint) == 64


@given(key=SETUP_KEYS, value=JSON)
def test_whatever_is_in_a_setup_request_it_is_read_or_refused(key: str, value: Any) -> None:
    try:
        assert parse_setup(setup_body(**{key: value})).project_id >= 0
    except RequestError as error:
        assert str(error).endswith(".")


@given(key=EVENT_KEYS, value=JSON)
def test_whatever_is_in_an_event_it_is_read_or_refused(key: str, value: Any) -> None:
    try:
        assert parse_webhook({"action": "TASKS_CREATED", key: value}).action
    except RequestError as error:
        assert str(error).endswith(".")
