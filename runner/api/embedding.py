"""What a supervisor of our own is made of: settings, and the backend of this machine."""

from __future__ import annotations

from pathlib import Path

from runner.backends.local import LocalBackend
from runner.backends.local import Policy as KeeperPolicy
from runner.backends.starting import begin, check_machine
from runner.jobs.base import Defaults, Kind
from runner.settings import Settings
from runner.supervisor.options import Options, Policy, durability

__all__ = ["check_machine", "local", "options"]


def options(settings: Settings, policy: str) -> Options:
    """A supervisor's options from the settings of `runner.toml`."""
    return Options(
        policy=Policy(policy),
        defaults=Defaults(
            region=settings.region,
            account=settings.account,
            grace={Kind(name): grace for name, grace in settings.grace.items()},
            images=settings.images,
            compilers=settings.compilers,
        ),
        durability=durability(settings.durability.value),
        unbuffered=settings.unbuffered,
    )


def local(data_dir: Path, policy: str) -> LocalBackend:
    """The backend of this machine. The keeper of a private directory is on its way already: it has to be closed."""
    begun = begin(data_dir, KeeperPolicy.PRIVATE) if policy == Policy.PRIVATE.value else None
    return LocalBackend(data_dir, KeeperPolicy(policy), begun=begun)
