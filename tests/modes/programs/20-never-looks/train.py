import json
import os
import signal
import sys
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


class GracefulExit(Exception):
    pass


def on_term(signum, frame):
    raise GracefulExit


def save(step, weights):
    path = os.path.join(CKPT_DIR, "checkpoint.json")
    with open(path + ".tmp", "w") as f:
        json.dump({"step": step, "weights": weights}, f)
    os.replace(path + ".tmp", path)


os.makedirs(CKPT_DIR, exist_ok=True)
signal.signal(signal.SIGTERM, on_term)
weights = [1.0] * 500
step = 0
print("ready", flush=True)
try:
    for step in range(2000):
        print(f"step {step} loss {weights[0]:.4f}", flush=True)
        weights = [w * 0.99 for w in weights]
        time.sleep(0.1)
except GracefulExit:
    print(f"saving at step {step}", flush=True)
save(step, weights)
sys.exit(0)
