"""What the kernel counts of programs that turn to anything but the loopback, where there is nothing else.

Not what they print of it: most of them are silent about it, or try again later.
"""

from __future__ import annotations

import socket
from pathlib import Path

NO_ROUTE = ("Ip", "OutNoRoutes")
"""A connection or a datagram (a look-up of a name, too) to an address that there is no way to."""
NOBODY_THERE = ("Udp", "NoPorts")
"""A look-up of a name, where the machine's own name server is on its loopback: in here nobody is."""
NO_ROUTE_6 = "Ip6OutNoRoutes"


def is_all_there_is() -> bool:
    """Whether this process is in a network namespace that has nothing but the loopback."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def attempts() -> dict[str, int]:
    """How often anything in this network namespace has turned elsewhere until now."""
    four, six = _snmp(), _snmp6()
    counted = {".".join(which): four[which] for which in (NO_ROUTE, NOBODY_THERE)}
    # A kernel without IPv6 has no such file.
    return {**counted, NO_ROUTE_6: six.get(NO_ROUTE_6, 0)}


def _snmp() -> dict[tuple[str, str], int]:
    """/proc/net/snmp: for each protocol a line of names and a line of numbers."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    return {
        (names[0].rstrip(":"), name): int(number)
        for names, numbers in zip(lines[::2], lines[1::2], strict=True)
        for name, number in zip(names[1:], numbers[1:], strict=True)
    }


def _snmp6() -> dict[str, int]:
    try:
        return {name: int(number) for name, number in map(str.split, Path("/proc/net/snmp6").read_text().splitlines())}
    except FileNotFoundError:
        return {}


if __name__ == "__main__":
    print(is_all_there_is(), attempts())
