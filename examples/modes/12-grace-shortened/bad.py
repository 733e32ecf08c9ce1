import os
import signal
import subprocess
import sys
import time

TRAINING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../01-graceful/slow_save.py")
stopping = False


def on_sigterm(number, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, on_sigterm)
training = subprocess.Popen([sys.executable, TRAINING])
while training.poll() is None and not stopping:
    time.sleep(0.1)
training.terminate()
try:
    training.wait(timeout=1)
except subprocess.TimeoutExpired:
    training.kill()
sys.exit(training.wait())
