"""Names, addresses and hosts of a small internet that lies on the loopback interface."""

from collections.abc import Iterable

import httpcore

PUBLIC_ADDRESS = "93.184.216.34"
OTHER_PUBLIC_ADDRESS = "151.101.1.69"


class FakeInternet(httpcore.NetworkBackend):
    """Connects numeric addresses to servers on this machine; any other address is refused by its host.

    Attributes:
        names: Addresses of each host name; numeric hosts and unknown names stand for themselves.
        ports: Loopback port behind each address that answers.
        resolved: Host names asked for so far.
        connected: (address, port) of the connections tried so far.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.ports: dict[str, int] = {}
        self.resolved: list[str] = []
        self.connected: list[tuple[str, int]] = []

    def host(self, name: str, address: str, port: int) -> None:
        """Put a server of this machine on the internet."""
        self.names[name] = [address]
        self.ports[address] = port

    def resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        return self.names.get(host, [host])

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.connected.append((host, port))
        if host not in self.ports:
            raise httpcore.ConnectError(f"{host} refused the connection")
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.ports[host], timeout)
