import os
import signal
import subprocess
import sys

env = dict(os.environ, PYTHONUNBUFFERED="1")
proc = subprocess.Popen([sys.executable, "worker.py"], env=env)


def forward(signum, frame):
    proc.send_signal(signum)


for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(s, forward)

code = proc.wait()
sys.exit(code if code >= 0 else 128 - code)
