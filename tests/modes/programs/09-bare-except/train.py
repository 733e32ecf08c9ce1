import functools
import json
import os
import signal
import sys
import time

OUT = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


def retry(times):
    def wrap(fn):
        @functools.wraps(fn)
        def inner(*args):
            for attempt in range(times):
                try:
                    return fn(*args)
                except:  # the object store throws all kinds of things
                    print(f"{fn.__name__}: attempt {attempt + 1} failed, retrying", flush=True)
            raise RuntimeError("gave up")
        return inner
    return wrap


@retry(5)
def fetch(i):
    time.sleep(0.1)
    return {"id": i, "x": i % 17}


def terminate(signum, frame):
    sys.exit(0)


def main():
    signal.signal(signal.SIGTERM, terminate)
    model = {"step": 0, "bias": 0.0}
    print("ready", flush=True)
    try:
        while model["step"] < 2000:
            item = fetch(model["step"])
            model["step"] += 1
            model["bias"] += 0.01 * (item["x"] - model["bias"])
            print(f"step {model['step']} loss {abs(8 - model['bias']):.4f}", flush=True)
    finally:
        os.makedirs(OUT, exist_ok=True)
        with open(os.path.join(OUT, "model.json.tmp"), "w") as f:
            json.dump(model, f)
        os.replace(os.path.join(OUT, "model.json.tmp"), os.path.join(OUT, "model.json"))


main()
