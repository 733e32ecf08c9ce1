import os
import signal
import sys
import time

path = os.path.join(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"), "model.bin")
os.makedirs(os.path.dirname(path), exist_ok=True)


def finish(signum=None, frame=None):
    with open(path + ".tmp", "wb") as f:
        f.write(bytes(4_000_000))
    os.rename(path + ".tmp", path)
    print("model written", flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, finish)
print("ready", flush=True)
end = time.monotonic() + 150
total = 0
while time.monotonic() < end:
    total += sum(range(20000))
    time.sleep(0.05)
finish()
