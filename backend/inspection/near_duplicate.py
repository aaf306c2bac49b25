"""Pictures that look the same and are labelled differently."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import InspectionRule, Issue, Json, Subject, graded
from backend.inspection.class_maps import class_maps, difference, packed, unpacked
from models.arrays import Image

_SIDE = 8
"""Places of the map of classes along each side; few, as near-duplicates may be shifted by some pixels."""
_THUMBNAIL = 12
"""Pixels along each side. Fields of the same cells have one embedding, but not one thumbnail."""
_LOOKED_AT = 256
"""Pixels of the picture along its shorter side that the thumbnail is made of."""
_SAME_PLACES = 0.85
"""Correlation of the thumbnails of near-duplicates. Cropping 5 % of each side leaves 0.9 to 0.97."""
_CHUNK = 1024
"""Pictures that are compared with all others at once: 80 MB for 10,000."""
_NEIGHBOURS = 4
"""Of each picture, so that a film of one scene needs no more time than other pictures."""
_LEAST_DIFFERENCE = 0.3
"""Between annotations of near-duplicates that is worth a warning at the least."""
_TIMES_USUAL = 3.0
"""The difference that is worth a warning by the median one of the project's near-duplicates."""
_FEWEST_PAIRS = 20
"""Fewer near-duplicates do not say what is usual."""
_MOST_PAIRS = 2000
"""That are kept of a project."""

_Vectors = NDArray[np.float32]


class NearDuplicate(InspectionRule):
    """Compares the annotations of pictures with nearly the same embedding and the same small copy.

    New annotations get their near-duplicates when the project is learned from the next time.

    Args:
        alike: Cosine of the embeddings of near-duplicates, at least.
    """

    name = "near-duplicate"
    higher_is_worse_because = "its objects differ more from those of a picture that looks the same"

    def __init__(self, *, alike: float = 0.95) -> None:
        self._alike = alike

    def measure(self, subject: Subject) -> Json:
        """The embedding, a tiny grey copy, and the coarse places of the objects; see the base class."""
        if subject.embedding is None:
            return {}
        return {
            "embedding": b64encode(subject.embedding.astype("<f2").tobytes()).decode(),
            "thumbnail": b64encode(_thumbnail(subject.image).tobytes()).decode(),
            "maps": packed(class_maps(subject.objects, subject.size_hw, _SIDE)),
        }

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """The pairs of near-duplicates that differ much; see the base class."""
        groups: dict[int, list[str]] = {}
        for key, each in measured.items():  # embeddings of several releases cannot be compared
            groups.setdefault(len(each["embedding"]), []).append(key)
        pairs = []
        for keys in groups.values():
            for one, other in self._near_duplicates([measured[key] for key in keys]):
                first, second = (unpacked(measured[keys[place]]["maps"], _SIDE) for place in (one, other))
                pairs.append((round(difference(first, second), 4), keys[one], keys[other]))
        usual = float(np.median([pair[0] for pair in pairs])) if len(pairs) >= _FEWEST_PAIRS else 0.0
        doubtful = max(_LEAST_DIFFERENCE, _TIMES_USUAL * usual)
        worst = sorted((pair for pair in pairs if pair[0] > doubtful / 2), reverse=True)[:_MOST_PAIRS]
        partners: dict[str, tuple[str, Json]] = {}
        for _, key, partner in worst:
            partners.setdefault(key, (partner, measured[partner]["maps"]))
            partners.setdefault(partner, (key, measured[key]["maps"]))
        return {"doubtful": doubtful, "partners": partners}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """An issue about the near-duplicate that differs most; see the base class."""
        if key not in usual.get("partners", {}):
            return []
        other, maps = usual["partners"][key]
        # Compared again: the annotation may have been corrected since.
        value = difference(unpacked(measured["maps"], _SIDE), unpacked(maps, _SIDE))
        if not value:
            return []
        message = f"Looks like {other[:80]}, but the objects differ by {value:.0%}."
        return [Issue(self.name, graded(value, usual["doubtful"]), message)]

    def _near_duplicates(self, measured: Sequence[Json]) -> Iterator[tuple[int, int]]:
        """Pairs of places, each with the nearest later ones."""
        looks = _unit([np.frombuffer(b64decode(each["embedding"]), dtype="<f2") for each in measured])
        copies = _unit([np.frombuffer(b64decode(each["thumbnail"]), dtype=np.int8) for each in measured])
        for start in range(0, len(looks), _CHUNK):
            part = slice(start, start + _CHUNK)
            cosines = looks[part] @ looks[start:].T
            cosines[copies[part] @ copies[start:].T < _SAME_PLACES] = 0
            for row in np.flatnonzero((np.triu(cosines, 1) >= self._alike).any(1)).tolist():
                later = row + 1 + np.flatnonzero(cosines[row, row + 1 :] >= self._alike)
                nearest = later[np.argsort(-cosines[row, later], kind="stable")[:_NEIGHBOURS]]
                yield from ((start + row, start + int(place)) for place in nearest)


def _thumbnail(image: Image) -> NDArray[np.int8]:
    """What is brighter and darker than the mean, (12, 12), in steps of 1/127 of the largest difference."""
    step = max(1, min(image.shape[:2]) // _LOOKED_AT)
    small = cv2.resize(image[::step, ::step], (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.7)) - grey.mean()
    return np.asarray(np.rint(127 * grey / max(float(np.abs(grey).max()), 1.0)), dtype=np.int8)


def _unit(rows: Sequence[NDArray[np.float16] | NDArray[np.int8]]) -> _Vectors:
    """As rows of length 1, (n, d); 0 where there is nothing."""
    vectors = np.stack(rows).astype(np.float32)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6))
