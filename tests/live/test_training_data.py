"""What is submitted in Label Studio is what a training learns from, through its API and from its webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from backend import parts
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_choices, encode_region
from backend.observability import Metrics
from backend.services.box_masks import BoxMasks
from backend.services.connection import Connection, connect
from backend.services.training_data import TrainingData, TrainingDataReader
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from models.interactive import INTERACTIVE_MODELS
from models.label_schema import LabelSchema, Question
from models.regions import Region
from scripts.backend_server import BackendServer
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import API_KEY, LabelStudioServer
from tests.live.pictures import HEIGHT, WIDTH, Mask, percent, two_objects
from tests.live.projects import iou

KINDS = ("Brush", "Bitmask", "Polygon", "Vector", "Ellipse", "Rectangle")
_LABELS = '<Label value="Ellipse"/><Label value="Disc"/>'
_SHAPES = [
    f'<{kind}Labels name="{kind}" toName="image" smart="false">{_LABELS}</{kind}Labels>' for kind in KINDS
]
CONFIG = f"""<View>
  <Image name="image" value="$image"/>
  {"".join(_SHAPES)}
  <KeyPointLabels name="point" toName="image" smart="true">{_LABELS}</KeyPointLabels>
  <Choices name="focus" toName="image"><Choice value="Sharp"/><Choice value="Blurred"/></Choices>
</View>"""
PICTURE = two_objects()
SIZE = (HEIGHT, WIDTH)


def drawn(mask: Mask, kind: str, label: str) -> list[dict[str, Any]]:
    control = LabelConfig.parse(CONFIG).control(kind)
    region = Region.from_mask(mask)
    assert control is not None and region is not None
    return encode_region(region, control, label, SIZE)


def focus(answer: str) -> list[dict[str, Any]]:
    control = LabelConfig.parse(CONFIG).control("focus")
    assert control is not None
    return encode_choices(control, [answer])


def prompt() -> dict[str, Any]:
    x, y = percent(120, 90)
    return {
        "id": "left-behind",
        "type": "keypointlabels",
        "from_name": "point",
        "to_name": "image",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "is_positive": True,
        "value": {"x": x, "y": y, "width": 0.3, "keypointlabels": ["Disc"]},
    }


class Annotator:
    """Submits annotations to one project."""

    def __init__(self, rest: LabelStudioRest, project: int) -> None:
        self._rest = rest
        first = rest.upload(project, PICTURE.name, PICTURE.content)
        image = rest.task(first)["data"]["image"]
        tasks = [{"data": {"image": image, "sequence": f"walk {number // 4}"}} for number in range(9)]
        path = f"/api/projects/{project}/import?return_task_ids=true"
        self.tasks: list[int] = rest.call("POST", path, json=tasks)["task_ids"]

    def submit(self, number: int, result: list[Any], **fields: Any) -> int:
        path = f"/api/tasks/{self.tasks[number]}/annotations/"
        return int(self._rest.call("POST", path, json={"result": result, "lead_time": 3} | fields)["id"])

    def change(self, annotation: int, result: list[Any]) -> None:
        self._rest.call("PATCH", f"/api/annotations/{annotation}/", json={"result": result})

    def delete(self, annotation: int) -> None:
        self._rest.call("DELETE", f"/api/annotations/{annotation}/")


@pytest.fixture
def readers(
    label_studio: LabelStudioServer, backend: BackendServer, tmp_path: Path
) -> tuple[TrainingDataReader, TrainingDataReader]:
    """One with the API, one with the webhooks that the running service has stored."""
    settings = Settings(
        state_dir=backend.log_path.parent,
        label_studio_url=label_studio.url,
        label_studio_api_key=SecretStr(API_KEY),
    )
    engine = open_database(settings.resolved_database_url)
    model = INTERACTIVE_MODELS.create("clicknet")
    model.load()
    api = parts.label_studio_api(settings)
    assert api is not None
    through_api, from_inbox = (
        TrainingDataReader(
            inbox=EventInbox(engine),
            api=source,
            images=parts.image_loader(settings, Metrics()),
            boxes=BoxMasks(tmp_path / name, lambda: model),
            sequences=parts.sequence_fields(settings),
        )
        for name, source in (("api", AnnotatedTasks(api)), ("inbox", None))
    )
    return through_api, from_inbox


def test_the_api_and_the_webhooks_give_the_same_examples(
    rest: LabelStudioRest,
    client: LabelStudioClient,
    backend: BackendServer,
    readers: tuple[TrainingDataReader, TrainingDataReader],
) -> None:
    project = rest.create_project("training data", CONFIG)
    connect(client, Connection(project, backend.url, extra_params={"learn": False}))
    colleague = rest.call("POST", "/api/users", json={"email": "second@example.com", "username": "second"})
    people = Annotator(rest, project)
    left, right = PICTURE.whole, PICTURE.other

    people.submit(0, [*drawn(left, "Brush", "Ellipse"), *drawn(right, "Bitmask", "Disc"), *focus("Sharp")])
    people.submit(1, [*drawn(left, "Ellipse", "Ellipse"), *drawn(right, "Polygon", "Disc")])
    changed = people.submit(2, drawn(left, "Vector", "Disc"))
    people.change(changed, drawn(left, "Vector", "Ellipse"))
    people.submit(3, drawn(right, "Rectangle", "Disc"))
    people.submit(4, [])
    people.submit(5, [*drawn(left, "Brush", "Ellipse"), *focus("Blurred")], completed_by=colleague["id"])
    people.submit(5, [*drawn(left, "Brush", "Ellipse"), *drawn(right, "Brush", "Disc")])
    people.submit(6, [], was_cancelled=True)
    people.delete(people.submit(7, drawn(left, "Brush", "Ellipse")))
    people.submit(8, [prompt()])

    api, inbox = (reader.read(project) for reader in readers)
    assert (api.source, inbox.source) == ("api", "inbox")
    assert api.newest_event == inbox.newest_event > 0
    schema = LabelSchema(("Ellipse", "Disc"), (Question("focus", ("Sharp", "Blurred")),))
    assert api.schema == inbox.schema == schema
    for data in (api, inbox):
        assert [each.key for each in data.examples] == [f"{people.tasks[n]}/image" for n in range(6)]
        assert [each.group for each in data.examples] == ["walk 0"] * 4 + ["walk 1"] * 2
        assert [each.answers.get("focus") for each in data.examples] == [
            ("Sharp",),
            None,
            None,
            None,
            None,
            ("Blurred",),
        ]
        expected = [{"Ellipse": left, "Disc": right}] * 2 + [{"Ellipse": left}, {"Disc": right}, {}]
        expected.append({"Ellipse": left, "Disc": right})
        for example, objects in zip(data.examples, expected, strict=True):
            found = {each.class_name: each.full_mask(SIZE) for each in example.regions or ()}
            assert found.keys() == objects.keys()
            assert all(iou(found[name], mask) > 0.93 for name, mask in objects.items())
            assert example.load_image().shape == (HEIGHT, WIDTH, 3)
    assert objects_of(api) == objects_of(inbox)
    assert api.skipped == {"annotations that hold only prompts": 1}
    assert inbox.skipped == {**api.skipped, "annotations that are skips": 1}  # the API lists no such tasks


def objects_of(data: TrainingData) -> list[list[tuple[str, Any, bytes]]]:
    return [
        [(each.class_name, each.box, np.packbits(each.mask).tobytes()) for each in example.regions or ()]
        for example in data.examples
    ]
