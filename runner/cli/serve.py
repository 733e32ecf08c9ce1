"""`runner serve`: a supervisor for other programs."""

from __future__ import annotations

from pathlib import Path

from runner import settings
from runner.api import embedding
from runner.api.serving import serve as serve_until_told
from runner.cli import countdown


def serve(data_dir: Path | None, config: Path | None, host: str, port: int, services: str) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code. `services`: names with commas between them."""
    embedding.check_machine()
    # Not before: what it imports does not do on every machine.
    from runner.wire.endpoint import Endpoint

    folder = (data_dir or settings.data_dir()).absolute()
    chosen = settings.Settings() if config is None else settings.read(config)
    wanted = [name for part in services.split(",") if (name := part.strip())]
    endpoint = Endpoint(host, port, chosen, wanted)
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
