"""`runner serve`: a supervisor for other programs."""

from __future__ import annotations

from pathlib import Path

from runner import settings
from runner.api.serving import serve as serve_until_told


def serve(data_dir: Path | None) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code."""
    folder = (data_dir or settings.data_dir()).absolute()
    serve_until_told(folder, ready=lambda: print(f"runner listening on {folder}", flush=True))
    return 0
