import os
import signal
import subprocess
import sys


def shutdown(signum, frame):
    print("launcher: caught signal", signum, flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, shutdown)
signal.signal(signal.SIGINT, shutdown)

child = subprocess.Popen([sys.executable, "-u", "train.py"], env=dict(os.environ, LOCAL_RANK="0"))
ret = child.wait()
print("launcher: worker returned", ret, flush=True)
sys.exit(ret)
