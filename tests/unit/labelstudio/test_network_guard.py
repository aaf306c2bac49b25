import ipaddress
import time

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import ImageAddressError
from backend.labelstudio.network_guard import Deadline, GuardedNetwork, is_public, system_resolve
from tests.fakes.internet import OTHER_PUBLIC_ADDRESS, PUBLIC_ADDRESS, FakeInternet


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::5db8:d822",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_a_server_must_not_be_sent_to(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", PUBLIC_ADDRESS, "172.32.0.1", "100.128.0.1", "2606:4700::6810:84e5", "2a00:1450::8a"],
)
def test_addresses_of_the_public_internet(address: str) -> None:
    assert is_public(address)


PRIVATE = [
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")
]


@given(st.sampled_from(PRIVATE), st.integers(0, 2**24 - 1))
def test_no_private_address_passes_in_any_dress(network: ipaddress.IPv4Network, offset: int) -> None:
    inner = int(network.network_address) + offset % network.num_addresses
    dresses = (0, 0xFFFF << 32, int(ipaddress.IPv6Address("64:ff9b::")))
    assert not is_public(str(ipaddress.IPv4Address(inner)))
    assert not any(is_public(str(ipaddress.IPv6Address(dress + inner))) for dress in dresses)
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) + (inner << 80))))


def guarded(internet: FakeInternet, deadline: Deadline, *, public_only: bool = True) -> GuardedNetwork:
    return GuardedNetwork(deadline, public_only=public_only, resolve=internet.resolve, network=internet)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], [PUBLIC_ADDRESS, "10.0.0.1"], ["::1", PUBLIC_ADDRESS]], ids=str
)
def test_one_private_address_of_a_name_refuses_the_name_before_connecting(addresses: list[str]) -> None:
    internet = FakeInternet()
    internet.names["pictures.example"] = addresses
    with pytest.raises(ImageAddressError, match=r'"pictures.example:8080" to MASKLOOP_ALLOWED_PRIVATE_HOSTS'):
        guarded(internet, Deadline()).connect_tcp("pictures.example", 8080)
    assert internet.connected == []


def test_the_connection_goes_to_the_checked_address_and_the_name_is_resolved_once() -> None:
    internet = FakeInternet()
    internet.names["pictures.example"] = [PUBLIC_ADDRESS]
    with pytest.raises(httpcore.ConnectError):
        guarded(internet, Deadline()).connect_tcp("pictures.example", 80)
    assert internet.resolved == ["pictures.example"]
    assert internet.connected == [(PUBLIC_ADDRESS, 80)]


def test_the_next_address_is_tried_when_one_refuses() -> None:
    internet = FakeInternet()
    internet.names["pictures.example"] = [PUBLIC_ADDRESS, OTHER_PUBLIC_ADDRESS]
    with pytest.raises(httpcore.ConnectError, match=OTHER_PUBLIC_ADDRESS):
        guarded(internet, Deadline()).connect_tcp("pictures.example", 80)
    assert internet.connected == [(PUBLIC_ADDRESS, 80), (OTHER_PUBLIC_ADDRESS, 80)]


def test_a_trusted_network_connects_anywhere() -> None:
    internet = FakeInternet()
    with pytest.raises(httpcore.ConnectError):
        guarded(internet, Deadline(), public_only=False).connect_tcp("10.0.0.1", 80)
    assert internet.connected == [("10.0.0.1", 80)]


def test_a_name_without_addresses_cannot_be_connected_to() -> None:
    internet = FakeInternet()
    internet.names["gone.example"] = []
    with pytest.raises(httpcore.ConnectError, match=r"no address found for gone\.example"):
        guarded(internet, Deadline()).connect_tcp("gone.example", 80)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
def test_other_spellings_of_loopback_are_resolved_by_the_system_and_refused(host: str) -> None:
    network = GuardedNetwork(Deadline(), public_only=True, resolve=system_resolve, network=FakeInternet())
    with pytest.raises(ImageAddressError, match=r"is 127\.0\.0\.1, which is not a public address"):
        network.connect_tcp(host, 80)


@pytest.mark.parametrize("host", ["a" * 70, "a..b", "no-such-host.invalid"])
def test_names_that_do_not_resolve_are_connection_errors(host: str) -> None:
    with pytest.raises(httpcore.ConnectError, match="no address found for"):
        system_resolve(host, 80)


def test_a_deadline_counts_down_and_ends_with_its_block() -> None:
    deadline = Deadline()
    assert deadline.remaining() is None
    with deadline.within(60):
        left = deadline.remaining()
        assert left is not None
        assert 0 < left <= 60
    assert deadline.remaining() is None
    with deadline.within(0.01):
        time.sleep(0.02)
        with pytest.raises(httpcore.TimeoutException):
            deadline.remaining()
    assert deadline.remaining() is None
