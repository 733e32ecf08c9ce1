import os
import pickle
import random
import time

ckpt_dir = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
os.makedirs(ckpt_dir, exist_ok=True)

random.seed(1)
weights = [random.random() for _ in range(4096)]
print("data loaded, ready", flush=True)

step = 0
for epoch in range(5):
    for batch in range(500):
        time.sleep(0.1)
        step += 1
        g = random.random() * 0.01
        weights = [w - g * w for w in weights]
        print(f"step {step} loss {weights[0]:.4f}", flush=True)
    with open(os.path.join(ckpt_dir, f"epoch{epoch}.pkl"), "wb") as f:
        pickle.dump(weights, f)
    print(f"epoch {epoch} done", flush=True)
