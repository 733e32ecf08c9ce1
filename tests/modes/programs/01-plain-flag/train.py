import json
import os
import random
import signal
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
CKPT = os.path.join(CKPT_DIR, "state.json")
MAX_STEPS = 2000

stop_requested = False


def request_stop(signum, frame):
    global stop_requested
    stop_requested = True


def save(step, weights):
    tmp = CKPT + ".tmp"
    with open(tmp, "w") as f:
        json.dump({"step": step, "weights": weights}, f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(tmp, CKPT)


def load():
    try:
        with open(CKPT) as f:
            state = json.load(f)
        return state["step"], state["weights"]
    except FileNotFoundError:
        return 0, [random.random() for _ in range(2000)]


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    signal.signal(signal.SIGTERM, request_stop)
    step, weights = load()
    if step:
        print(f"resuming at step {step}", flush=True)
    print("ready to train", flush=True)
    while step < MAX_STEPS:
        time.sleep(0.1)
        weights = [w * 0.999 for w in weights]
        step += 1
        print(f"step {step} loss {sum(weights) / len(weights):.4f}", flush=True)
        if stop_requested:
            save(step, weights)
            print(f"saved at step {step}, leaving", flush=True)
            return
    save(step, weights)


main()
