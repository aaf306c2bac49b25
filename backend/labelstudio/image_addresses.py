"""What the picture address in a task means, and whether it may be fetched.

Task data is untrusted: whoever may import tasks chooses these addresses. Nothing here touches the network;
host names are judged by their spelling, and `network_guard` judges what they resolve to.
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qs, unquote

import httpx

from backend.errors import ImageAddressError, SettingsError
from backend.labelstudio.data_urls import decode_data_url

_CLOUD_SCHEMES = ("s3", "gs", "azure-blob")
_LOCAL_FILES = "/data/local-files/"
# With our key, a GET elsewhere on the server could do things: opening a task runs its model.
_PICTURE_PATHS = re.compile(
    r"/(data|storage-data)/.|/static/.|/(tasks|projects)/[0-9]+/(resolve|presign)/", re.ASCII
)
_CONTROL = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
_MAX_SHOWN = 120


class ShownAndModels(NamedTuple):
    """A picture of which people and models see two versions of the same size.

    Attributes:
        shown: Address of what people see.
        for_models: Address of what models see, if it can be read and has the same size.
    """

    shown: str
    for_models: str


PictureAddress: TypeAlias = str | ShownAndModels
"""Where the picture of a task is."""


@dataclass(frozen=True)
class Inline:
    """A picture inside the address itself."""

    data: bytes


@dataclass(frozen=True)
class Remote:
    """A picture to fetch.

    Attributes:
        url: Where it is.
        on_label_studio: Whether Label Studio has it; the key is sent if, and only if, it has.
        name: What messages call it; holds no signature.
    """

    url: httpx.URL
    on_label_studio: bool
    name: str


@dataclass(frozen=True)
class LocalFile:
    """A file that may be read, whether it exists or not, and where else to look if it does not."""

    path: Path
    otherwise: Remote | None


class ImageAddresses:
    """The rules, from the operator's settings.

    Args:
        label_studio_url: Where this service reaches Label Studio; None if it does not.
        local_files_root: Label Studio's LOCAL_FILES_DOCUMENT_ROOT as mounted here. Every task of every
            project may name any file below it.
        allowed_hosts: Hosts that tasks may name: exact, `*.example.com` for all below, or `*`.
        allowed_private_hosts: Hosts (`host` or `host:port`) that tasks may name and that may have a private
            address.
        max_inline_bytes: Largest picture inside an address.

    Raises:
        SettingsError: The URL of Label Studio is not one.
    """

    def __init__(
        self,
        *,
        label_studio_url: str | None,
        local_files_root: Path | None,
        allowed_hosts: tuple[str, ...],
        allowed_private_hosts: tuple[str, ...],
        max_inline_bytes: int,
    ) -> None:
        self._label_studio = None if label_studio_url is None else _server_url(label_studio_url)
        self._local_files_root = local_files_root
        self._allowed_hosts = tuple(host.lower().rstrip(".") for host in allowed_hosts)
        self._allowed_private_hosts = frozenset(host.lower().rstrip(".") for host in allowed_private_hosts)
        self._max_inline_bytes = max_inline_bytes

    def locate(
        self, address: str, *, task_id: int | None, project_id: int | None
    ) -> Inline | LocalFile | Remote:
        """Say where a task's picture is.

        Args:
            address: The value in the task's data.
            task_id: The task, through which Label Studio signs addresses in cloud storages.
            project_id: Does the same if there is no task.

        Raises:
            ImageAddressError: It may not be fetched; the message names the setting that would allow it.
            ImageError: A picture inside the address is too large or not well-formed.
        """
        address = address.strip()
        if _CONTROL.search(address):
            raise ImageAddressError(f"The picture's address has control characters: {_short(address)!r}.")
        scheme = address.partition(":")[0].lower() if ":" in address else ""
        if scheme == "data":
            return Inline(decode_data_url(address, max_bytes=self._max_inline_bytes))
        if scheme in _CLOUD_SCHEMES:
            return self._in_cloud_storage(address, task_id, project_id)
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL as error:
            raise ImageAddressError(f"The picture's address is malformed: {error}.") from None
        if (not url.scheme and not url.host) or (self._is_label_studio(url) and not url.userinfo):
            return self._on_label_studio(url)
        self.check_listed(url)
        return Remote(url, on_label_studio=False, name=_short(address))

    def is_trusted(self, url: httpx.URL) -> bool:
        """Whether the operator named this very host, or for Label Studio: scheme, host and port."""
        return self._is_label_studio(url) or self._may_be_private(url)

    def check_fetchable(self, url: httpx.URL) -> None:
        """Let pass any http(s) URL without a user name, as Label Studio may sign addresses anywhere.

        Raises:
            ImageAddressError: It is something else.
        """
        if url.scheme not in ("http", "https") or not url.host:
            raise ImageAddressError(
                f"Pictures are fetched from http:// and https:// addresses only, not {url.scheme}://{url.host}."
            )
        if url.userinfo:
            raise ImageAddressError(f"The picture's address on {url.host} has a user name in it; remove it.")
        if url.port is not None and not 0 < url.port < 65536:
            raise ImageAddressError(
                f"The picture's address on {url.host} has the impossible port {url.port}."
            )

    def check_listed(self, url: httpx.URL) -> None:
        """Let pass a fetchable URL whose host the settings allow; Label Studio itself is not among them.

        Raises:
            ImageAddressError: It is something else.
        """
        self.check_fetchable(url)
        host = _host(url)
        listed = self._may_be_private(url) or any(_matches(host, pattern) for pattern in self._allowed_hosts)
        if self._is_label_studio(url) or not listed:
            raise ImageAddressError(
                f"Pictures are not fetched from {host}. If tasks may name it, add it to "
                "MASKLOOP_ALLOWED_HOSTS, or to MASKLOOP_ALLOWED_PRIVATE_HOSTS if its address is private."
            )

    def _is_label_studio(self, url: httpx.URL) -> bool:
        server = self._label_studio
        return server is not None and (url.scheme, _host(url), _port(url)) == (
            server.scheme,
            _host(server),
            _port(server),
        )

    def _may_be_private(self, url: httpx.URL) -> bool:
        host = _host(url)
        return not self._allowed_private_hosts.isdisjoint((host, f"{host}:{_port(url)}"))

    def _on_label_studio(self, url: httpx.URL) -> LocalFile | Remote:
        raw_path = url.raw_path.partition(b"?")[0]
        if self._label_studio is not None:
            prefix = self._label_studio.raw_path.rstrip(b"/")
            raw_path = raw_path.removeprefix(prefix) if raw_path.startswith(prefix + b"/") else raw_path
        path = unquote(raw_path.decode("ascii"))
        if path in (_LOCAL_FILES, _LOCAL_FILES.rstrip("/")):
            return self._local_file(url)
        if not _PICTURE_PATHS.match(path) or ".." in re.split(r"[/\\]", path):
            raise ImageAddressError(
                f"{_short(path)!r} is not where Label Studio keeps pictures. Their addresses begin with "
                "/data/, http:// or https://, or name a cloud storage."
            )
        return self._server(raw_path, url.query, name=_short(path))

    def _local_file(self, url: httpx.URL) -> LocalFile | Remote:
        """A file of a local storage; `d` is read as the server reads it: decoded once, the last one wins."""
        relative = parse_qs(url.query.decode("ascii")).get("d", [""])[-1]
        steps = PurePosixPath(relative.lstrip("/"))
        if not steps.parts or ".." in steps.parts or "\0" in relative:
            raise ImageAddressError(
                f"{_short(relative)!r} does not name a file below the root of local files."
            )
        name = f"local file {_short(relative)}"
        if self._local_files_root is None:
            return self._server(_LOCAL_FILES.encode(), url.query, name=name)
        root = Path(os.path.realpath(self._local_files_root))  # unlike `resolve`, never raises on link loops
        path = Path(os.path.realpath(root / steps))
        if not path.is_relative_to(root):
            raise ImageAddressError(
                f"{_short(relative)!r} leads out of MASKLOOP_LOCAL_FILES_ROOT through a link; move it inside."
            )
        if self._label_studio is None:
            return LocalFile(path, otherwise=None)
        return LocalFile(path, otherwise=self._server(_LOCAL_FILES.encode(), url.query, name=name))

    def _in_cloud_storage(self, address: str, task_id: int | None, project_id: int | None) -> Remote:
        if task_id is None and project_id is None:
            raise ImageAddressError(
                f"Label Studio signs {_short(address)!r} only for a task or a project, and none is given."
            )
        owner = f"tasks/{task_id}" if task_id is not None else f"projects/{project_id}"
        uri = base64.urlsafe_b64encode(address.encode())
        return self._server(f"/{owner}/presign/".encode(), b"fileuri=" + uri, name=_short(address))

    def _server(self, raw_path: bytes, query: bytes, *, name: str) -> Remote:
        if self._label_studio is None:
            raise ImageAddressError(
                f"{name} is reached through Label Studio, whose address is unknown: "
                "set MASKLOOP_LABEL_STUDIO_URL."
            )
        target = self._label_studio.raw_path.rstrip(b"/") + raw_path + (b"?" + query if query else b"")
        return Remote(self._label_studio.copy_with(raw_path=target), on_label_studio=True, name=name)


def _server_url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address.rstrip("/"))
    except httpx.InvalidURL as error:
        raise SettingsError(f"MASKLOOP_LABEL_STUDIO_URL is not a URL: {error}.") from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
        raise SettingsError("MASKLOOP_LABEL_STUDIO_URL must look like http://host:port or https://host/path.")
    return url


def _host(url: httpx.URL) -> str:
    """The host in ASCII, as allow-lists are compared with it."""
    return url.raw_host.decode("ascii").lower().rstrip(".")


def _port(url: httpx.URL) -> int:
    return url.port if url.port is not None else {"http": 80, "https": 443}.get(url.scheme, 0)


def _matches(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in ("*", host)


def _short(text: str) -> str:
    """The beginning of an address for a message, without its query."""
    text = text.partition("?")[0]
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
