"""Requests of another user of the machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

NOBODY = 65534
_ASK = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
connection.request("POST", "/", body="{}")
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


def refusal(port: int) -> tuple[int, str, str]:
    """Status, code and message that another user is answered. Skips where nobody can become one."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if shutil.which("setpriv") is None or python is None:
        pytest.skip("no setpriv, or no Python that every user may execute")
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env"]
    command = [*become, python, "-I", "-S", "-c", _ASK, str(port)]
    stranger = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd="/")
    assert stranger.returncode == 0, stranger.stderr
    status, _, body = stranger.stdout.partition(" ")
    answer = json.loads(body)
    return int(status), answer["__type"], answer["Message"]
