"""A keeper of this machine on its way. Loads little, so that the rest can be loaded while the keeper starts."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from runner.errors import KeeperFailed, UnsupportedPlatform
from runner.keeper.protocol import UNKILLABLE_AFTER, Policy
from runner.keeper.start import StartError, Starting

__all__ = ["OLDEST_KERNEL", "Policy", "Starting", "begin", "check_machine", "owner"]

OLDEST_KERNEL = (5, 4)
"""pidfds that can be polled and waited for, and clone3: `pid1` without root needs 5.11 for its overlay."""


def check_machine() -> None:
    """Raises UnsupportedPlatform where no keeper can work."""
    if sys.platform != "linux":
        raise UnsupportedPlatform(
            f"this machine is {sys.platform}: jobs need the Linux kernel. On a Mac or on Windows, "
            "use it inside a Linux container or virtual machine."
        )
    release = os.uname().release
    numbers = re.match(r"(\d+)\.(\d+)", release)
    if numbers is not None and tuple(map(int, numbers.groups())) < OLDEST_KERNEL:
        raise UnsupportedPlatform(f"this machine has Linux {release}: jobs need {'.'.join(map(str, OLDEST_KERNEL))}")


def begin(
    data_dir: Path, policy: Policy, use_cgroups: bool = True, unkillable_after: float = UNKILLABLE_AFTER
) -> Starting:
    """Start the keeper of a data directory for this process. Raises KeeperFailed."""
    try:
        return Starting(data_dir, policy, owner(), use_cgroups, unkillable_after)
    except StartError as error:
        raise KeeperFailed(str(error)) from error


def owner() -> tuple[int, int]:
    """Pid of this process, and when it started, in ticks since boot: together they are nobody else's."""
    from runner.linux import procfs  # not before `check_machine`: it asks what only Linux has

    return os.getpid(), procfs.read_stat(os.getpid()).start
