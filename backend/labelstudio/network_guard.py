"""Connections that end in time and, for hosts that nobody vouched for, only at public addresses.

Both are properties of sockets, so they are enforced below the HTTP client. A name is resolved once, its
addresses are checked, and the connection goes to one of those: nothing resolves the name a second time, and
TLS still verifies the name. A time limit per read would let a server send one byte a second for ever.
"""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import httpcore

from backend.errors import ImageAddressError

Resolve = Callable[[str, int], Sequence[str]]
"""Host name and port to numeric addresses, at least one, most preferred first."""

# `ipaddress` calls some of these global: each carries an IPv4 address inside, so that the packet may end in
# a private network.
_IPV4_INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "::ffff:0:0/96",  # IPv4-mapped
        "::/96",  # IPv4-compatible, deprecated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
    )
)


def is_public(address: str) -> bool:
    """Whether a numeric address is one that any host on the internet could reach.

    Private, loopback, link-local, carrier-grade NAT, multicast, reserved, documentation and unspecified
    addresses are not, nor is any form that carries an IPv4 address.
    """
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and (ip.is_site_local or any(ip in network for network in _IPV4_INSIDE)):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def system_resolve(host: str, port: int) -> list[str]:
    """Ask the operating system, whose own limits bound the time.

    Raises:
        httpcore.ConnectError: The name has no address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"no address found for {host}: {error}") from None
    return [str(entry[4][0]) for entry in found]


class Deadline(threading.local):
    """When the request that the calling thread makes must have ended."""

    _end = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let everything that this thread does in the block end in time."""
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._end = math.inf

    def remaining(self) -> float | None:
        """Seconds left; None for no limit.

        Raises:
            httpcore.TimeoutException: None are left.
        """
        if self._end == math.inf:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException("the time is up")
        return left


class GuardedNetwork(httpcore.NetworkBackend):
    """Opens connections for one `httpcore.ConnectionPool`; may be shared between threads.

    Args:
        deadline: Bounds all that happens on the connections, whatever limits the pool asks for.
        public_only: Refuse a name if any of its addresses is not public.
        resolve: Finds the addresses of a name.
        network: Makes the connections to numeric addresses.
    """

    def __init__(
        self,
        deadline: Deadline,
        *,
        public_only: bool,
        resolve: Resolve,
        network: httpcore.NetworkBackend,
    ) -> None:
        self._deadline = deadline
        self._public_only = public_only
        self._resolve = resolve
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; each gets an equal share of the remaining time.

        Raises:
            ImageAddressError: An address of the host is not public.
            httpcore.ConnectError: None can be connected to.
            httpcore.TimeoutException: None answered in time.
        """
        addresses = self._resolve(host, port)
        if self._public_only:
            for address in addresses:
                if not is_public(address):
                    raise ImageAddressError(
                        f"{host} is {address}, which is not a public address. If it is trusted, "
                        f'add "{host}:{port}" to MASKLOOP_ALLOWED_PRIVATE_HOSTS.'
                    )
        failure: Exception = httpcore.ConnectError(f"no address found for {host}")
        for tried, address in enumerate(addresses):
            remaining = self._deadline.remaining()
            share = None if remaining is None else remaining / (len(addresses) - tried)
            try:
                stream = self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """A connection on which each operation may take what its thread's deadline leaves."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.remaining())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.remaining())
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
