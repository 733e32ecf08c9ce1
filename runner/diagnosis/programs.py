"""Programs known by their names: which are shells, which are made to be PID 1, which hand signals on."""

from __future__ import annotations

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
INITS = frozenset({"tini", "tini-static", "docker-init", "dumb-init", "catatonit"})
"""Written to be PID 1: they pass SIGTERM on and end as their child does."""
FORWARDERS = INITS | {"timeout", "uv"}
"""They hand SIGTERM to their child."""
UTILITIES = frozenset(
    (
        *("awk", "gawk", "mawk", "cut", "grep", "head", "sed", "seq", "sort", "tail", "tee", "tr", "wc"),
        *("cat", "cp", "dd", "find", "gzip", "ls", "mkdir", "mv", "rm", "sync", "tar", "touch"),
        *("curl", "date", "echo", "sleep", "wget"),
    )
)
"""Steps of a shell script: where a shell has started nothing else, the script itself is the program."""
