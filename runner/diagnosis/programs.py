"""Programs known by their names: which are shells, which are made to be PID 1, which hand signals on."""

from __future__ import annotations

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
INITS = frozenset({"tini", "tini-static", "docker-init", "dumb-init", "catatonit"})
"""Written to be PID 1: they pass SIGTERM on and end as their child does."""
FORWARDERS = INITS | {"timeout", "uv"}
"""They hand SIGTERM to their child."""
