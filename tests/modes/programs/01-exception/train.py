"""Small regression, stopped by an exception from the signal handler."""
import os
import pickle
import signal
import tempfile
import time

OUT = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


class Interrupted(BaseException):
    pass


def on_term(signum, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Interrupted(signum)


class Trainer:
    path = os.path.join(OUT, "last.pkl")

    def __init__(self):
        self.step = 0
        self.w = 0.0
        self.history = []
        if os.path.exists(self.path):
            with open(self.path, "rb") as f:
                self.__dict__.update(pickle.load(f))
            print("restored", self.path, "step", self.step, flush=True)

    def save(self):
        os.makedirs(OUT, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=OUT, prefix=".last-")
        with os.fdopen(fd, "wb") as f:
            pickle.dump(self.__dict__, f)
        os.rename(name, self.path)

    def fit(self, steps):
        while self.step < steps:
            self.w += 0.05 * (3.0 - self.w)
            self.history.append(self.w)
            self.step += 1
            time.sleep(0.1)
            print(f"step {self.step} loss {(3.0 - self.w) ** 2:.5f}", flush=True)


def main():
    trainer = Trainer()
    signal.signal(signal.SIGTERM, on_term)
    print("ready", flush=True)
    try:
        trainer.fit(1500)
    except Interrupted:
        print("interrupted, saving", flush=True)
    trainer.save()


if __name__ == "__main__":
    main()
