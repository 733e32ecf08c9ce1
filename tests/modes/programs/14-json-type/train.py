import json
import os
import random
import signal
import time


class Stop(BaseException):
    pass


def stop(signum, frame):
    raise Stop


seen = set()
rng = random.Random(3)
signal.signal(signal.SIGTERM, stop)
print("ready")
t0 = time.monotonic()
try:
    while time.monotonic() - t0 < 200:
        seen.add(rng.randrange(10 ** 6))
        time.sleep(0.01)
except Stop:
    print("stopping, writing the state")
out = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
os.makedirs(out, exist_ok=True)
with open(os.path.join(out, "state.json"), "w") as f:
    json.dump({"elapsed": time.monotonic() - t0, "rng": rng.getstate(), "seen": seen}, f)
