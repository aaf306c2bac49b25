"""Tasks of a small project with a disc on every picture, and what people drew on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.labelstudio.images import ImageLimits, ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_region
from backend.labelstudio.submissions import AnnotatedTask, annotated_task
from backend.labelstudio.task_reports import FIELD
from backend.services.inspection_subjects import InspectionSubjects, KnownWork
from backend.services.sequences import SequenceFields
from models.arrays import Mask
from models.regions import Region
from tests.fakes.pictures import DISC, disc_picture

XML = f"""<View>
  <Text name="warning" value="${FIELD}"/>
  <Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image" smart="false">
    <Label value="Disc"/><Label value="Ring"/>
  </BrushLabels>
  <PolygonLabels name="polygon" toName="image" smart="false"><Label value="Disc"/></PolygonLabels>
  <RectangleLabels name="boxes" toName="image" smart="false"><Label value="Disc"/></RectangleLabels>
  <Choices name="focus" toName="image"><Choice value="Sharp"/><Choice value="Blurred"/></Choices>
</View>"""
CONFIG = LabelConfig.parse(XML)
SIZE = DISC.shape[0], DISC.shape[1]
ADDRESS = "/data/local-files/?d=imgs/disc.png"
EMBEDDING = np.array([0.6, 0.8], dtype=np.float32)
PREDICTED = 12
"""Number of the one prediction: of all but the disc."""
_ROWS, _COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]


def brush(mask: Mask = DISC, label: str | None = "Disc", region_id: str = "r1") -> list[dict[str, Any]]:
    """An object that was painted."""
    region, control = Region.from_mask(mask), CONFIG.control("brush")
    if region is None or control is None:
        raise ValueError("There is nothing to paint, or nothing to paint with.")
    return encode_region(region, control, label, SIZE, region_id=region_id)


def disc(radius: float = 30.0) -> Mask:
    """The disc of the picture, or one about the same place."""
    return np.asarray(np.hypot(_ROWS - 60, _COLUMNS - 70) < radius)


def spotted() -> Mask:
    """The disc with three small holes, which nobody meant."""
    mask = DISC.copy()
    for row, column in ((50, 60), (60, 80), (70, 66)):
        mask[row : row + 3, column : column + 3] = False
    return mask


def annotation(
    number: int, result: Sequence[Any], annotator: int | None = None, **more: Any
) -> dict[str, Any]:
    """An annotation as the API tells it; by a person of its own unless one is given."""
    person = number if annotator is None else annotator
    moment = f"2026-11-21T00:00:{number % 60:02}Z"
    return {"id": number, "completed_by": person, "updated_at": moment, "result": list(result)} | more


def task(*annotations: dict[str, Any], number: int = 7, meta: Any = None, **data: Any) -> AnnotatedTask:
    """A task with annotations."""
    return annotated_task(number, {"data": {"image": ADDRESS} | data, "meta": meta}, annotations)


def write_picture(folder: Path) -> None:
    """Put the picture where its address says, below the root of local files."""
    (folder / "imgs").mkdir(parents=True)
    cv2.imwrite(str(folder / "imgs" / "disc.png"), disc_picture()[..., ::-1])


def local_images(root: Path) -> ImageLoader:
    """Loads pictures from a folder alone."""
    return ImageLoader(
        label_studio_url=None,
        credentials=None,
        local_files_root=root,
        allowed_hosts=(),
        allowed_private_hosts=(),
        limits=ImageLimits(),
        cache_bytes=0,
        on_lookup=lambda hit: None,
    )


def subjects_of(root: Path, project_id: int = 3, *, known: KnownWork | None = None) -> InspectionSubjects:
    """Makes the subjects of the project, whose picture is put below a folder."""
    write_picture(root)
    known = known or KnownWork(
        clicks=lambda task_id: [],
        prediction=lambda number: brush(~DISC) if number == PREDICTED else None,
        embedding=lambda image: EMBEDDING,
    )
    return InspectionSubjects(
        project_id,
        CONFIG,
        images=local_images(root),
        sequences=SequenceFields(("sequence",), ("frame",)),
        known=known,
    )
