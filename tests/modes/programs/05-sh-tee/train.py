import json
import os
import signal
import sys
import time

save_dir = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


class StopTraining(Exception):
    pass


def handler(signum, frame):
    raise StopTraining()


def save(model):
    os.makedirs(save_dir, exist_ok=True)
    final = os.path.join(save_dir, "model.json")
    with open(final + ".tmp", "w") as f:
        json.dump(model, f)
    os.rename(final + ".tmp", final)


signal.signal(signal.SIGTERM, handler)
model = {"step": 0, "a": 1.0, "b": 0.0}
print("ready", flush=True)
try:
    for step in range(1, 3000):
        time.sleep(0.11)
        model["step"] = step
        model["a"] *= 0.995
        model["b"] += 0.01
        print(f"step {step} loss {abs(model['a'] - 0.2):.4f}", flush=True)
except StopTraining:
    print("stopping early", flush=True)
save(model)
sys.exit(0)
