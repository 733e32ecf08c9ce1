"""`runner serve`: a supervisor for other programs."""

from __future__ import annotations

from pathlib import Path

from runner import settings
from runner.api.serving import serve as serve_until_told
from runner.cli import countdown


def serve(data_dir: Path | None, config: Path | None) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code."""
    folder = (data_dir or settings.data_dir()).absolute()
    chosen = settings.Settings() if config is None else settings.read(config)
    serve_until_told(
        folder,
        settings=chosen,
        ready=lambda: print(f"runner listening on {folder}", flush=True),
        ending=countdown.show,
    )
    return 0
