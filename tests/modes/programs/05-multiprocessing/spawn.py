import json
import multiprocessing as mp
import os
import signal
import time


class Rank:
    def __init__(self, rank):
        self.rank = rank
        self.stop = False
        self.step = 0
        self.dir = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")

    def handle(self, signum, frame):
        self.stop = True

    def save(self):
        name = os.path.join(self.dir, f"rank{self.rank}.json")
        with open(name + ".tmp", "w") as f:
            json.dump({"step": self.step}, f)
        os.replace(name + ".tmp", name)

    def run(self):
        os.makedirs(self.dir, exist_ok=True)
        signal.signal(signal.SIGTERM, self.handle)
        if self.rank == 0:
            print("rank 0 ready", flush=True)
        while not self.stop and self.step < 1500:
            time.sleep(0.1)
            self.step += 1
            if self.rank == 0:
                print(f"step {self.step} loss {3 / (3 + self.step):.4f}", flush=True)
        self.save()


def entry(rank):
    Rank(rank).run()


def main():
    procs = [mp.Process(target=entry, args=(r,)) for r in (1, 0)]
    for p in procs:
        p.start()
    for p in procs:
        p.join()
    raise SystemExit(max(p.exitcode for p in procs))


if __name__ == "__main__":
    main()
