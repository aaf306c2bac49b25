"""The picture of a task: found, fetched, decoded, and kept for a while.

An `ImageLoader` is shared by all threads. Threads that want the same picture at the same time share one
fetch; different pictures never wait for each other.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpcore

from backend.byte_cache import ByteCache
from backend.errors import ImageUnavailableError
from backend.labelstudio.credentials import Credentials
from backend.labelstudio.guarded_http import Answer, GuardedHttp
from backend.labelstudio.image_addresses import (
    ImageAddresses,
    Inline,
    LocalFile,
    PictureAddress,
    Remote,
    ShownAndModels,
)
from backend.labelstudio.image_decoding import decode
from backend.labelstudio.network_guard import Resolve, system_resolve
from models.arrays import Image
from models.errors import ImageError, MaskloopError

logger = logging.getLogger(__name__)

_PAGE = re.compile(r"page=([0-9]{1,6})")
_KEEP_S = 600.0  # a replaced file is seen after this time
_LONGEST_KEY = 2048  # characters; a data: address may have millions


@dataclass(frozen=True, eq=False)
class TaskImage:
    """A decoded picture.

    Attributes:
        pixels: RGB, (H, W, 3), 0..255, write-protected, in the orientation that the editor shows.
        digest: SHA-256 of the encoded picture, in hexadecimal; of further pages another one for each.
    """

    pixels: Image
    digest: str

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels, as the editor counts them."""
        height, width = self.pixels.shape[:2]
        return height, width


@dataclass(frozen=True)
class ImageLimits:
    """What one picture may cost.

    Attributes:
        max_bytes: Encoded size.
        max_pixels: Height times width.
        timeout_s: Time for fetching.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 8192 * 8192
    timeout_s: float = 20.0


class ImageLoader:
    """Loads the pictures of tasks from wherever Label Studio keeps them.

    Args:
        label_studio_url: Where this service reaches Label Studio; None if it does not.
        credentials: Sent to Label Studio and to nobody else.
        local_files_root: Label Studio's LOCAL_FILES_DOCUMENT_ROOT, if mounted here.
        allowed_hosts: Hosts that tasks may name, see `ImageAddresses`.
        allowed_private_hosts: Hosts that may have a private address, see `ImageAddresses`.
        limits: Bounds of one picture.
        cache_bytes: Memory for decoded pictures.
        on_lookup: Told with each load whether the picture was kept.
        resolve: Finds the addresses of host names.
        network: Makes connections to numeric addresses.

    Raises:
        SettingsError: The URL of Label Studio is not one.
    """

    def __init__(
        self,
        *,
        label_studio_url: str | None,
        credentials: Credentials | None,
        local_files_root: Path | None,
        allowed_hosts: tuple[str, ...],
        allowed_private_hosts: tuple[str, ...],
        limits: ImageLimits,
        cache_bytes: int,
        on_lookup: Callable[[bool], None],
        resolve: Resolve = system_resolve,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._credentials = credentials
        self._limits = limits
        self._addresses = ImageAddresses(
            label_studio_url=label_studio_url,
            local_files_root=local_files_root,
            allowed_hosts=allowed_hosts,
            allowed_private_hosts=allowed_private_hosts,
            max_inline_bytes=limits.max_bytes,
        )
        self._http = GuardedHttp(
            is_trusted=self._addresses.is_trusted,
            max_bytes=limits.max_bytes,
            timeout_s=limits.timeout_s,
            resolve=resolve,
            network=network,
        )
        self._cache: ByteCache[tuple[int | None, str], TaskImage] = ByteCache(
            cache_bytes, size_of=lambda image: image.pixels.nbytes, on_lookup=on_lookup, ttl_s=_KEEP_S
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the pictures that are kept."""
        return self._cache.nbytes

    def load(self, url: PictureAddress, *, task_id: int | None, project_id: int | None) -> TaskImage:
        """Return the picture at an address of a task's data.

        Args:
            url: Upload, local file, cloud storage, http(s) or data: address. If models see another picture
                than people, that one is returned, which may be a page of a TIFF (`#page=3`); what people see
                only if the other cannot be read, or has another size. The log says so then.
            task_id: The task; needed for cloud storages if there is no project.
            project_id: The project; pictures are not shared between projects.

        Raises:
            ImageAddressError: The address must not be fetched; says which setting would allow it.
            ImageUnavailableError: It cannot be fetched; says why.
            ImageError: It is not a picture, damaged, or too large.
            LabelStudioError: Label Studio does not accept the key.
        """
        if isinstance(url, ShownAndModels):
            name = _key(f"{url.shown}\n{url.for_models}")
            return self._cache.get_or_create(
                (project_id, name), lambda: self._for_models(url, task_id, project_id)
            )
        return self._cache.get_or_create(
            (project_id, _key(url)), lambda: self._load(url, task_id, project_id)
        )

    def _for_models(self, url: ShownAndModels, task_id: int | None, project_id: int | None) -> TaskImage:
        shown = self._load(url.shown, task_id, project_id)
        try:
            address, _, part = url.for_models.partition("#")
            page = _PAGE.fullmatch(part)
            if part and page is None:
                raise ImageError("The picture for models is a part of a file, which is not read here.")
            other = self._load(address, task_id, project_id, page=int(page[1]) if page else 0)
            if other.size_hw != shown.size_hw:
                raise ImageError(
                    f"The picture for models has height and width {other.size_hw}; {shown.size_hw} are shown."
                )
        except MaskloopError as error:
            logger.warning("Task %s: models look at the picture that people see. %s", task_id, error)
            return shown
        return other

    def _load(self, url: str, task_id: int | None, project_id: int | None, *, page: int = 0) -> TaskImage:
        data = self._fetch(self._addresses.locate(url, task_id=task_id, project_id=project_id))
        pixels = decode(data, max_pixels=self._limits.max_pixels, page=page)
        return TaskImage(pixels, _sha256(data if page == 0 else b"%d %s" % (page, data)))

    def _fetch(self, place: Inline | LocalFile | Remote) -> bytes:
        if isinstance(place, Inline):
            return place.data
        if isinstance(place, Remote):
            return self._download(place)
        data = self._read_file(place.path)
        if data is not None:
            return data
        if place.otherwise is not None:
            return self._download(place.otherwise)
        raise ImageUnavailableError(
            f"There is no file {place.path}. Check what MASKLOOP_LOCAL_FILES_ROOT mounts, or set "
            "MASKLOOP_LABEL_STUDIO_URL so that Label Studio can be asked for it."
        )

    def _read_file(self, path: Path) -> bytes | None:
        """The content of a regular file, None if there is none."""
        try:
            if not path.is_file():
                return None
            with path.open("rb") as file:
                data = file.read(self._limits.max_bytes + 1)
        except OSError as error:
            raise ImageUnavailableError(f"{path} cannot be read: {error.strerror}.") from None
        if len(data) > self._limits.max_bytes:
            raise ImageError(
                f"{path} has more than {self._limits.max_bytes} bytes (MASKLOOP_MAX_IMAGE_BYTES)."
            )
        return data

    def _download(self, place: Remote) -> bytes:
        headers = {}
        if place.on_label_studio and self._credentials is not None:
            headers = self._credentials.headers()
        # Label Studio signs addresses in its storages, wherever these are; other hosts vouch for nobody.
        check = self._addresses.check_fetchable if place.on_label_studio else self._addresses.check_listed
        answer = self._http.get(place.url, headers, check_redirect=check)
        if answer.status != 200:
            raise ImageUnavailableError(self._refusal(place, answer))
        return answer.body

    def _refusal(self, place: Remote, answer: Answer) -> str:
        said = f"{place.name}: {answer.url.netloc.decode()} answered {answer.status}."
        if not place.on_label_studio or answer.url != place.url:
            return f"{said} {_ELSEWHERE.get(answer.status, _CHECK_ADDRESS)}"
        if answer.status == 401 and self._credentials is None:
            return f"{said} Set MASKLOOP_LABEL_STUDIO_API_KEY."
        return f"{said} {_ON_LABEL_STUDIO.get(answer.status, 'Its log says why.')}"


_CHECK_ADDRESS = "Open the address in a browser to see why."
_ELSEWHERE = {
    401: "It wants a login; pictures on other hosts must be public, or their address signed.",
    403: "The address may be wrong, no longer valid, or not public.",
    404: "There is no such picture.",
}
_ON_LABEL_STUDIO = {
    401: (
        "Check MASKLOOP_LABEL_STUDIO_API_KEY: a personal access token, or a legacy token if the organization "
        "allows those."
    ),
    403: "The user of MASKLOOP_LABEL_STUDIO_API_KEY may not see it, or local files are not enabled there.",
    404: "There is no such file, no storage of the project covers it, or the user of the key may not see it.",
    500: "It does so for uploads that no longer exist; else its log says why.",
}


def _key(url: str) -> str:
    return url if len(url) <= _LONGEST_KEY else _sha256(url.encode("utf-8", "surrogatepass"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
