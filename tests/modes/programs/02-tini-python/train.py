import json
import os
import random
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
STEPS_PER_EPOCH = 400


def save(epoch, weights):
    path = os.path.join(CKPT_DIR, f"epoch-{epoch:03d}.json")
    with open(path + ".tmp", "w") as f:
        json.dump({"epoch": epoch, "weights": weights}, f)
    os.replace(path + ".tmp", path)


os.makedirs(CKPT_DIR, exist_ok=True)
weights = [random.gauss(0, 1) for _ in range(1000)]
print("model ready", flush=True)
step = 0
for epoch in range(10):
    for _ in range(STEPS_PER_EPOCH):
        step += 1
        weights = [w * 0.9995 for w in weights]
        time.sleep(0.1)
        print(f"step {step} loss {sum(w * w for w in weights) / len(weights):.4f}", flush=True)
    save(epoch, weights)
