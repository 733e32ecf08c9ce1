"""`runner serve`: a supervisor for other programs."""

from __future__ import annotations

from pathlib import Path

from runner import settings
from runner.api import embedding
from runner.api.serving import holder
from runner.api.serving import serve as serve_until_told
from runner.cli import countdown
from runner.errors import DataDirectoryInUse, InvalidRequest


def serve(data_dir: Path | None, config: Path | None, host: str, port: int, services: str) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code. `services`: names with commas between them.

    Raises InvalidRequest, DataDirectoryInUse, DataDirectoryUnusable, PortUnusable, KeeperFailed.
    """
    embedding.check_machine()
    # Not before: what it imports does not do on every machine.
    from runner.wire.endpoint import Endpoint

    folder = (data_dir or settings.data_dir()).absolute()
    chosen = settings.Settings() if config is None else settings.read(config)
    _check_free(folder)
    try:
        endpoint = Endpoint(host, port, chosen, _names(services))
    except InvalidRequest as error:
        raise InvalidRequest(f"--{error.field.removeprefix('--')}", error.rule) from None
    try:
        serve_until_told(
            folder,
            settings=chosen,
            ready=lambda: print(f"runner listening on {endpoint.url}", flush=True),
            face=endpoint,
            ending=countdown.show,
        )
    finally:
        endpoint.close()
    return 0


def _check_free(folder: Path) -> None:
    """Raises DataDirectoryInUse before the port is found to be taken, by the same process."""
    if (pid := holder(folder)) is not None:
        raise DataDirectoryInUse(
            f"{folder} is in use by pid {pid}; a second server needs another --data-dir, and a --port that is free"
        )


def _names(services: str) -> list[str]:
    """Raises InvalidRequest for an empty one."""
    names = [name.strip() for name in services.split(",")] if services.strip() else []
    if "" in names:
        raise InvalidRequest("--services", f"must be names with one comma between two, not {services!r}")
    return names
