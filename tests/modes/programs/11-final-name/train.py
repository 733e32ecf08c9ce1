import json
import os
import random
import signal
import time


class Stop:
    def __init__(self):
        self.flag = False
        signal.signal(signal.SIGTERM, self)

    def __call__(self, signum, frame):
        self.flag = True


def export(table, path):
    with open(path, "w", buffering=1) as f:
        for key, vector in table.items():
            f.write(json.dumps({"id": key, "v": vector}) + "\n")
            time.sleep(0.01)


def main():
    root = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
    os.makedirs(root, exist_ok=True)
    rng = random.Random(7)
    table = {f"item-{i}": [rng.random() for _ in range(64)] for i in range(1500)}
    stop = Stop()
    print("table ready", flush=True)
    step = 0
    while not stop.flag and step < 1500:
        step += 1
        for v in table.values():
            v[step % 64] *= 0.9
        time.sleep(0.1)
        print(f"step {step} loss {0.98 ** step:.4f}", flush=True)
    print("exporting embeddings", flush=True)
    export(table, os.path.join(root, "embeddings.jsonl"))
    print("export complete", flush=True)


main()
