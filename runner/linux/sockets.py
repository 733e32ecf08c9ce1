"""Whose a connection on loopback is: the user that owns the socket at its other end.

What the kernel says of a socket (`inet_diag_msg` of sock_diag(7); /proc/net/tcp of proc(5) has the same):

- `idiag_uid` is the effective uid that whoever made the socket had then. It stays when the socket is handed on.
- Every user may ask, about sockets of every user, in the network namespace of the one who asks. A loopback interface
  belongs to one network namespace, so that both ends of a connection over it can be seen.
- A socket that no process has open any more, since its client has closed it, and one in TIME-WAIT have inode 0, and
  then **uid 0 as well**: that is no statement about root. Such a socket has no owner here.
- A query for one socket that is not there may be answered with another one: one that listens on the same port. So the
  addresses in the answer are compared.
- Of a user that the asker's user namespace does not know the uid is the overflow uid, as a rule 65534 (`nobody`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct

from runner.linux import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Address = tuple[str, int]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr (netlink(7)): length, type, flags, sequence, port."""
_REQUEST = struct.Struct("=BBBxI")
"""struct inet_diag_req_v2 up to its id: family, protocol, extensions, states."""
_ID = struct.Struct("!HH16s16s")
"""struct inet_diag_sockid: ports and addresses in network byte order; an interface and a cookie follow."""
_ANY_SOCKET = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
"""No interface, INET_DIAG_NOCOOKIE."""
_ANSWER = struct.Struct("=BBBx")
_COUNTS = struct.Struct("=IIIII")
"""The end of struct inet_diag_msg: expires, receive queue, send queue, uid, inode."""
_V4_MAPPED = b"\0" * 10 + b"\xff\xff"
_WAIT = 1.0
"""Seconds for an answer that the kernel gives at once, within the call that sends the question."""


def owner_of_peer(local: Address, peer: Address) -> int | None:
    """The uid of the process at the other end of a TCP connection; None if nobody has it open, or it is not known.

    `local` is this end and `peer` the other one, as getsockname(2) and getpeername(2) tell them, or `accept`. Both ends
    must be of this machine. One question to the kernel, below 0.1 ms however many sockets there are; where it cannot be
    asked, a look through the table of all of them.
    """
    try:
        ends = _end(peer), _end(local)
    except (OSError, ValueError):
        return None
    try:
        return _asked(*ends)
    except OSError:
        return _looked_up(*ends)


def _end(address: Address) -> tuple[bytes, int]:
    """Raises OSError or ValueError for what is no address of a connection."""
    host, port = address
    if not 0 < port < 1 << 16:
        raise ValueError(port)
    return _packed(host), port


def _packed(host: str) -> bytes:
    """16 bytes, those of IPv4 mapped to IPv6 (ipv6(7)): such a connection may be of a socket of either kind.

    Raises OSError or ValueError for what is no address.
    """
    plain, _, _ = host.partition("%")
    if ":" in plain:
        return socket.inet_pton(socket.AF_INET6, plain)
    return _V4_MAPPED + socket.inet_pton(socket.AF_INET, plain)


# --- sock_diag(7)


def _asked(source: tuple[bytes, int], target: tuple[bytes, int]) -> int | None:
    """The owner of the socket from `source` to `target`. Raises OSError where the kernel does not tell."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_WAIT)
        kernel.sendto(_question(source, target), (0, 0))
        answer = kernel.recv(8192)
    _, kind, *_ = _HEADER.unpack_from(answer)
    body = answer[_HEADER.size :]
    if kind != _SOCK_DIAG_BY_FAMILY:
        # NLMSG_ERROR. ENOENT: there is none, or this kernel has no answers about TCP: the two look alike.
        code = -struct.unpack_from("=i", body)[0]
        raise OSError(code, os.strerror(code))
    family, *_ = _ANSWER.unpack_from(body)
    here, there, first, second = _ID.unpack_from(body, _ANSWER.size)
    if ((_full(family, first), here), (_full(family, second), there)) != (source, target):
        return None  # another one, which listens there
    *_, uid, inode = _COUNTS.unpack_from(body, _ANSWER.size + _ID.size + len(_ANY_SOCKET))
    return int(uid) if inode else None


def _question(source: tuple[bytes, int], target: tuple[bytes, int]) -> bytes:
    family = socket.AF_INET if source[0].startswith(_V4_MAPPED) else socket.AF_INET6
    first, second = (end[0][12:].ljust(16, b"\0") if family == socket.AF_INET else end[0] for end in (source, target))
    body = (
        _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
        + _ID.pack(source[1], target[1], first, second)
        + _ANY_SOCKET
    )
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0) + body


def _full(family: int, address: bytes) -> bytes:
    """As `_packed`: a question about IPv4 is answered for IPv6 sockets with mapped addresses too, in their spelling."""
    return _V4_MAPPED + address[:4] if family == socket.AF_INET else address


# --- proc(5)


def _looked_up(source: tuple[bytes, int], target: tuple[bytes, int]) -> int | None:
    for line in _lines(source, target):
        fields = line.split()
        uid, inode = int(fields[7]), int(fields[9])
        if inode:
            return uid
    return None


def _lines(source: tuple[bytes, int], target: tuple[bytes, int]) -> Iterator[bytes]:
    """What /proc/net/tcp and tcp6 have of the socket from `source` to `target`."""
    tables = [("tcp6", 0)]
    if source[0].startswith(_V4_MAPPED):
        tables.insert(0, ("tcp", len(_V4_MAPPED)))
    for name, left_out in tables:
        wanted = b" %s:%04X %s:%04X " % (
            _words(source[0][left_out:]), source[1], _words(target[0][left_out:]), target[1],
        )  # fmt: skip
        with contextlib.suppress(OSError):
            yield from (line for line in procfs.read(f"/proc/net/{name}").splitlines() if wanted in line)


def _words(address: bytes) -> bytes:
    """As the kernel prints it there: four bytes each as a number of this machine."""
    words = struct.unpack(f"={len(address) // 4}I", address)
    return b"".join(b"%08X" % word for word in words)
