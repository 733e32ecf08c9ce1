print("starting", flush=True)
import json
import os
import signal
import time

time.sleep(1.5)  # import torch, transformers, datasets

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
stop = False


def on_term(signum, frame):
    global stop
    stop = True


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    signal.signal(signal.SIGTERM, on_term)
    print("ready", flush=True)
    step, w = 0, 1.0
    while not stop and step < 2000:
        time.sleep(0.1)
        step += 1
        w *= 0.98
        print(f"step {step} loss {w:.4f}", flush=True)
    path = os.path.join(CKPT_DIR, "last.json")
    with open(path + ".tmp", "w") as f:
        json.dump({"step": step, "w": w}, f)
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
