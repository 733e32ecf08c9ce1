"""A mount namespace of one's own: /proc of the new PID namespace, and files at paths that the machine may not have.

Everything here is done by a process to itself, in namespaces that it was born into (`process.clone`), before it
executes a program. Nothing of it is seen outside, and the kernel undoes it with the last process of the namespace.
"""

from __future__ import annotations

import ctypes
import os

from runner.linux import libc

_MS_RDONLY = 0x1
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_NOEXEC = 0x8
_MS_BIND = 0x1000
_MS_MOVE = 0x2000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000
_MNT_DETACH = 2


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    try:
        libc.call("mount", text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))
    except OSError as error:
        raise OSError(error.errno, f"mount {kind or 'bind'} on {target}: {os.strerror(error.errno or 0)}") from None


def map_own_ids(uid: int, gid: int) -> None:
    """In a new user namespace: be the same user and group as outside.

    Mapped to root, programs would try what only root may, and fail: `tar` exits 2 because it cannot give files
    away. The capabilities of the new namespace go with the next exec.
    """
    with open("/proc/self/setgroups", "w") as setgroups:
        setgroups.write("deny")
    with open("/proc/self/uid_map", "w") as users:
        users.write(f"{uid} {uid} 1")
    with open("/proc/self/gid_map", "w") as groups:
        groups.write(f"{gid} {gid} 1")


def keep_mounts_private() -> None:
    """Nothing mounted from here on is seen outside: `/` is shared wherever systemd runs (mount_namespaces(7))."""
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)


def mount_proc() -> None:
    """/proc as the members of this PID namespace see it. Only a member may mount it."""
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def bind(source: str, target: str, spare: str) -> None:
    """Show the file or folder `source` at `target`, which need not exist. `spare` is an empty folder to work in."""
    if not os.path.lexists(target):
        _provide(target, os.path.isdir(source), spare)
    _mount(source, target, None, _MS_BIND)


def _provide(target: str, folder: bool, spare: str) -> None:
    """Have `target` exist in this mount namespace, without making it on the machine.

    Raises OSError if no way is open.
    """
    base = os.path.dirname(target)
    while not os.path.isdir(base):
        base = os.path.dirname(base)
    if base == "/":
        _copy_entries(base, spare, target, folder)
        _change_root(spare)
        return
    try:
        _lay_over(base, spare, target, folder)
    except OSError:
        _copy_entries(base, spare, target, folder)
        _mount(spare, base, None, _MS_MOVE)


def _lay_over(base: str, spare: str, target: str, folder: bool) -> None:
    """A read-only overlay: what `base` has stays visible, and `target` is there too. The cheapest way (75 us)."""
    if _has_mounts_below(base):
        raise OSError("an overlay does not show what is mounted below")
    upper = os.path.join(spare, "overlay")
    _make(os.path.join(upper, os.path.relpath(target, base)), folder)
    # The paths go in as descriptors: a colon or a comma in a path would be taken for the option's own.
    over, under = os.open(upper, os.O_PATH), os.open(base, os.O_PATH)
    try:
        _mount("overlay", base, "overlay", _MS_RDONLY, f"lowerdir=/proc/self/fd/{over}:/proc/self/fd/{under}")
    finally:
        os.close(over)
        os.close(under)


def _copy_entries(base: str, spare: str, target: str, folder: bool) -> None:
    """A tmpfs in which every entry of `base` is bound, and `target` made: where an overlay is not allowed."""
    entries = os.listdir(base)
    _mount("tmpfs", spare, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
    for name in entries:
        old, new = os.path.join(base, name), os.path.join(spare, name)
        if os.path.islink(old):
            os.symlink(os.readlink(old), new)
            continue
        _make(new, os.path.isdir(old))
        _mount(old, new, None, _MS_BIND | _MS_REC)
    _make(os.path.join(spare, os.path.relpath(target, base)), folder)


def _make(path: str, folder: bool) -> None:
    if folder:
        os.makedirs(path, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _change_root(new: str) -> None:
    here = os.getcwd()
    os.chdir(new)
    # Old and new root on the same place, then the old one off: needs no folder for the old one (pivot_root(2)).
    libc.syscall("pivot_root", _PIVOT_ROOT, ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))
    libc.call("umount2", b".", _MNT_DETACH)
    os.chdir(here)


_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, -1)


def _has_mounts_below(folder: str) -> bool:
    prefix = os.fsencode(folder.rstrip("/") + "/")
    with open("/proc/self/mountinfo", "rb") as table:
        return any(line.split(b" ", 5)[4].startswith(prefix) for line in table)
