import base64
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.errors import ImageAddressError, SettingsError
from backend.labelstudio.image_addresses import ImageAddresses, Inline, LocalFile, Remote

SERVER = "http://studio.local:8080"
KEY = 7


def addresses(**settings: Any) -> ImageAddresses:
    defaults: dict[str, Any] = {
        "label_studio_url": SERVER,
        "local_files_root": None,
        "allowed_hosts": (),
        "allowed_private_hosts": (),
        "max_inline_bytes": 1000,
    }
    return ImageAddresses(**(defaults | settings))


def place(address: str, task_id: int | None = KEY, project_id: int | None = 1, **settings: Any) -> Any:
    return addresses(**settings).locate(address, task_id=task_id, project_id=project_id)


def url_of(found: object) -> tuple[str, bool]:
    assert isinstance(found, Remote)
    return str(found.url), found.on_label_studio


@pytest.mark.parametrize(
    "path",
    [
        "/data/upload/3/1a2b3c4d-cell.png",
        "/data/upload/3/1a2b3c4d-a%20b%23c.png",
        "/data/upload/3/1a2b3c4d-a:b.png",
        "/data/local-files/?d=imgs/img0.png",
        "/storage-data/uploaded/?filepath=upload/3/x.png",
        "/tasks/5/resolve/?fileuri=czM6Ly9i",
        "/projects/5/presign/?fileuri=czM6Ly9i",
        "/static/samples/sample.jpg",
    ],
)
@pytest.mark.parametrize("server", [SERVER, f"{SERVER}/annotate", f"{SERVER}/annotate/"])
@pytest.mark.parametrize("form", ["path", "with prefix", "absolute"])
def test_pictures_on_label_studio_are_fetched_there_with_the_key(path: str, server: str, form: str) -> None:
    base = server.rstrip("/")
    prefix = {"path": "", "with prefix": base.removeprefix(SERVER), "absolute": base}[form]
    assert url_of(place(prefix + path, label_studio_url=server)) == (base + path, True)


@pytest.mark.parametrize(
    "address", ["HTTP://STUDIO.LOCAL:8080/data/upload/1/x.png", " /data/upload/1/x.png\n"]
)
def test_case_of_the_host_and_space_around_do_not_matter(address: str) -> None:
    assert url_of(place(address)) == (f"{SERVER}/data/upload/1/x.png", True)


def test_the_default_port_is_the_same_written_or_not() -> None:
    found = place("https://studio.local:443/data/upload/1/x.png", label_studio_url="https://studio.local")
    assert url_of(found) == ("https://studio.local/data/upload/1/x.png", True)


@pytest.mark.parametrize(
    "address",
    [
        "/api/tasks/5/",
        "/data/../api/tasks/5/",
        "/data/%2e%2e/api/tasks/5/",
        "/data/..%2fapi",
        "/data/..%5Capi",
        "/user/logout",
        "/tasks/5/resolve/../../../api/projects",
        "/",
        "",
        "cell.png",
        "upload/3/x.png",
        "../x.png",
        f"{SERVER}/api/projects/",
        "/etc/passwd",
        "http:/data/x.png",
    ],
)
def test_nothing_else_on_label_studio_is_touched(address: str) -> None:
    with pytest.raises(ImageAddressError):
        place(address, allowed_hosts=("*",))


def test_without_its_url_label_studio_cannot_be_asked() -> None:
    for address in ("/data/upload/3/x.png", "s3://bucket/x.png", "/data/local-files/?d=x.png"):
        with pytest.raises(ImageAddressError, match="set MASKLOOP_LABEL_STUDIO_URL"):
            place(address, label_studio_url=None)


@pytest.mark.parametrize("scheme", ["s3", "gs", "azure-blob", "S3"])
def test_cloud_storages_are_signed_by_label_studio(scheme: str) -> None:
    address = f"{scheme}://bucket/folder/übung 1?.png"
    code = base64.urlsafe_b64encode(address.encode()).decode()
    assert url_of(place(address)) == (f"{SERVER}/tasks/7/presign/?fileuri={code}", True)
    assert url_of(place(address, task_id=None)) == (f"{SERVER}/projects/1/presign/?fileuri={code}", True)
    with pytest.raises(ImageAddressError, match="only for a task or a project"):
        place(address, task_id=None, project_id=None)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://pictures.example/a.png", "pictures.example"),
        ("https://PICTURES.example./a.png?size=1", "Pictures.Example"),
        ("http://pictures.example:8000/a.png", "pictures.example"),
        ("https://a.b.example/a.png", "*.example"),
        ("https://anything.at.all/a.png", "*"),
        ("https://93.184.216.34/a.png", "93.184.216.34"),
        ("https://bücher.example/a.png", "xn--bcher-kva.example"),
    ],
)
def test_listed_hosts_are_fetched_without_the_key(address: str, allowed: str) -> None:
    assert url_of(place(address, allowed_hosts=(allowed,))) == (str(httpx.URL(address)), False)


@pytest.mark.parametrize("entry", ["minio.local", "minio.local:9000"])
def test_private_hosts_may_be_named_and_are_trusted(entry: str) -> None:
    rules = addresses(allowed_private_hosts=(entry,))
    found = rules.locate("http://minio.local:9000/b/x.png", task_id=None, project_id=None)
    assert url_of(found) == ("http://minio.local:9000/b/x.png", False)
    assert rules.is_trusted(httpx.URL("http://minio.local:9000/b/x.png"))
    assert rules.is_trusted(httpx.URL("http://minio.local:9001/")) == (entry == "minio.local")


def test_label_studio_is_trusted_by_scheme_host_and_port() -> None:
    rules = addresses(allowed_hosts=("*",))
    assert rules.is_trusted(httpx.URL(f"{SERVER}/x"))
    for other in ("https://studio.local:8080/", "http://studio.local/", "http://other.local:8080/"):
        assert not rules.is_trusted(httpx.URL(other))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://pictures.example/a.png", ()),
        ("https://pictures.example.evil.org/a.png", ("pictures.example", "*.example")),
        ("https://evilpictures.example/a.png", ("pictures.example", "*.pictures.example")),
        ("https://pictures.example/a.png", ("*.pictures.example",)),
        ("http://2130706433/", ("pictures.example",)),
        ("http://[::1]:8080/a.png", ("pictures.example",)),
        ("//evil.example/a.png", ("*",)),
        ("http://studio.local:8081/data/upload/1/x.png", ("pictures.example",)),
        ("http://pictures.example\\@evil.org/", ("pictures.example",)),
    ],
)
def test_other_hosts_are_refused(address: str, allowed: tuple[str, ...]) -> None:
    with pytest.raises(ImageAddressError):
        place(address, allowed_hosts=allowed)


def test_the_refusal_names_host_and_setting_but_no_signature() -> None:
    with pytest.raises(
        ImageAddressError, match=r"not fetched from x\.org\..*MASKLOOP_ALLOWED_HOSTS"
    ) as caught:
        place("https://x.org/a.png?X-Amz-Signature=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("ftp://x.org/a.png", "http:// and https:// addresses only, not ftp://x.org"),
        ("file:///etc/passwd", "http:// and https:// addresses only, not file://"),
        ("C:\\pictures\\a.png", "http:// and https:// addresses only, not c://"),
        ("javascript:alert(1)", "http:// and https:// addresses only"),
        ("gopher://x.org/", "http:// and https:// addresses only"),
        ("http:///a.png", "http:// and https:// addresses only"),
        ("https://user:secret@x.org/a.png", "on x.org has a user name"),
        ("http://user:secret@studio.local:8080/data/upload/1/x.png", "on studio.local has a user name"),
        ("https://x.org:0/a.png", "impossible port 0"),
        ("https://x.org:99999/a.png", "impossible port 99999"),
        ("https://x.org:no/a.png", "malformed"),
        ("http://[::1/a.png", "malformed"),
        ("http://x.org/" + "a" * 70_000, "malformed"),
        ("/data/upload/1/a\0.png", "control characters"),
        ("/data/upload/1/a\r\nHost: x.png", "control characters"),
        ("/data/upload/1/\ud800.png", "control characters"),
        ("data:text/html,hello", "does not announce a picture"),
    ],
)
def test_addresses_that_no_setting_allows(address: str, complaint: str) -> None:
    with pytest.raises(ImageAddressError, match=complaint) as caught:
        place(address, allowed_hosts=("*",))
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/data/upload/3/x%20y.png", "/data/upload/3/x y.png"),
        ("/data/local-files/?d=imgs%2Fa.png", "local file imgs/a.png"),
        ("s3://bucket/a.png", "s3://bucket/a.png"),
        ("https://x.org/a.png?X-Amz-Signature=secret", "https://x.org/a.png"),
        ("https://x.org/" + "a" * 500, "https://x.org/" + "a" * 106 + "..."),
    ],
)
def test_messages_name_a_picture_without_its_signature(address: str, name: str) -> None:
    assert place(address, allowed_hosts=("x.org",)).name == name


def test_a_data_address_is_decoded_in_place() -> None:
    assert place("data:image/png;base64,aGk=", label_studio_url=None) == Inline(b"hi")


def test_local_files_are_found_below_the_root_or_else_on_the_server(tmp_path: Path) -> None:
    query = "/data/local-files/?d="
    for written, meant in [
        ("imgs/a.png", "imgs/a.png"),
        ("/imgs//a.png", "imgs/a.png"),
        ("imgs/a%20b%2Bc+d.png", "imgs/a b+c d.png"),
        ("first.png&d=last.png", "last.png"),
        ("b%C3%BCcher.png", "bücher.png"),
    ]:
        found = place(query + written, local_files_root=tmp_path)
        assert isinstance(found, LocalFile)
        assert found.path == tmp_path.resolve() / meant
        assert url_of(found.otherwise) == (f"{SERVER}{query}{written}", True)


def test_local_files_do_without_label_studio(tmp_path: Path) -> None:
    found = place("/data/local-files?d=a.png", local_files_root=tmp_path, label_studio_url=None)
    assert found == LocalFile(tmp_path.resolve() / "a.png", otherwise=None)


@pytest.mark.parametrize("with_root", [True, False])
@pytest.mark.parametrize(
    "path", ["../x.png", "a/../../x.png", "%2e%2e/x.png", "..", "", "/", ".", "a%00b.png"]
)
def test_paths_that_leave_the_root_are_refused(path: str, with_root: bool, tmp_path: Path) -> None:
    with pytest.raises(ImageAddressError, match="does not name a file below the root"):
        place(f"/data/local-files/?d={path}", local_files_root=tmp_path if with_root else None)


def test_links_inside_the_root_are_followed_and_links_out_of_it_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "root-too"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "a.png").write_bytes(b"x")
    os.symlink(root / "a.png", root / "inner.png")
    os.symlink(outside, root / "outer")
    os.symlink(root / "loop", root / "loop")
    inner = place("/data/local-files/?d=inner.png", local_files_root=root)
    assert inner.path == root.resolve() / "a.png"
    assert place("/data/local-files/?d=loop", local_files_root=root).path.parent == root.resolve()
    for path in ("outer/a.png", "outer"):
        with pytest.raises(ImageAddressError, match="through a link"):
            place(f"/data/local-files/?d={path}", local_files_root=root)


@pytest.mark.parametrize("address", ["http://s.org/a.png", "https://s.org:8443/a?b=c"])
def test_a_redirect_by_label_studio_may_lead_to_any_host(address: str) -> None:
    addresses().check_fetchable(httpx.URL(address))


@pytest.mark.parametrize("address", ["ftp://s.org/a.png", "file:///a", "http://u:p@s.org/", "//s.org/a"])
def test_a_redirect_may_not_lead_off_the_web(address: str) -> None:
    with pytest.raises(ImageAddressError):
        addresses().check_fetchable(httpx.URL(address))


def test_a_redirect_by_a_listed_host_stays_on_listed_hosts_and_off_label_studio() -> None:
    rules = addresses(allowed_hosts=("a.example", "b.example"))
    rules.check_listed(httpx.URL("https://b.example/x.png"))
    for address in ("https://c.example/x.png", f"{SERVER}/data/upload/1/x.png"):
        with pytest.raises(ImageAddressError, match="not fetched from"):
            rules.check_listed(httpx.URL(address))
    with pytest.raises(ImageAddressError, match="not fetched from"):
        addresses(allowed_hosts=("*",)).check_listed(httpx.URL(f"{SERVER}/data/upload/1/x.png"))


@pytest.mark.parametrize(
    "url", ["studio.local", "ftp://studio.local", "http://", "http://u:p@h", "http://[::1"]
)
def test_a_wrong_url_of_label_studio_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="MASKLOOP_LABEL_STUDIO_URL"):
        addresses(label_studio_url=url)
