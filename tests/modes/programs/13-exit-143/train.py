import json
import os
import signal
import time

root = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


def terminate(signum, frame):
    raise SystemExit(128 + signum)


def epoch(n, steps, params, pause):
    for i in range(steps):
        params["w"] += 0.01 * (1 - params["w"])
        time.sleep(pause)
        print(f"epoch {n} step {i + 1} loss {1 - params['w']:.4f}", flush=True)


def checkpoint(n, params):
    name = os.path.join(root, f"epoch{n}.json")
    with open(name + ".tmp", "w") as f:
        json.dump(params, f)
    os.rename(name + ".tmp", name)


def main():
    os.makedirs(root, exist_ok=True)
    params = {"w": 0.0}
    signal.signal(signal.SIGTERM, terminate)
    start = time.time()
    try:
        epoch(0, 5, params, 0.02)  # short warm-up epoch
        checkpoint(0, params)
        print("warm-up finished, ready for the long epochs", flush=True)
        for n in range(1, 20):
            epoch(n, 400, params, 0.1)
            checkpoint(n, params)
    finally:
        print(f"total time {time.time() - start:.1f}s", flush=True)


main()
