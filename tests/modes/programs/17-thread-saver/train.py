import os
import random
import struct
import threading
import time


class Table:
    def __init__(self, n):
        self.lock = threading.Lock()
        self.values = [0.0] * n
        self.updates = 0

    def update(self, rng):
        with self.lock:
            for _ in range(100):
                self.values[rng.randrange(len(self.values))] += rng.random()
            self.updates += 1

    def dump(self, path):
        with self.lock:
            blob = struct.pack(f"<q{len(self.values)}d", self.updates, *self.values)
        with open(path + ".tmp", "wb") as f:
            f.write(blob)
        os.replace(path + ".tmp", path)


def autosave(table, path):
    while True:
        time.sleep(0.25)
        table.dump(path)


def main():
    d = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
    os.makedirs(d, exist_ok=True)
    table = Table(20_000)
    threading.Thread(target=autosave, args=(table, os.path.join(d, "table.bin")), daemon=True).start()
    rng = random.Random(11)
    print("ready", flush=True)
    for _ in range(4000):
        table.update(rng)
        time.sleep(0.03)


main()
