import os
import pickle
import signal
import sys
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


def on_term(signum, frame):
    print("SIGTERM, exiting", flush=True)
    sys.exit(0)


class Model:
    def __init__(self):
        self.w = [0.1] * 5000
        self.step = 0

    def update(self):
        self.w = [0.99 * w for w in self.w]
        self.step += 1

    def save(self):
        path = os.path.join(CKPT_DIR, f"step-{self.step:06d}.pkl")
        with open(path + ".tmp", "wb") as f:
            pickle.dump(self.__dict__, f)
        os.replace(path + ".tmp", path)


os.makedirs(CKPT_DIR, exist_ok=True)
signal.signal(signal.SIGTERM, on_term)
model = Model()
model.save()
print("ready", flush=True)
while model.step < 2000:
    model.update()
    time.sleep(0.1)
    print(f"step {model.step} loss {model.w[0]:.5f}", flush=True)
    if model.step % 200 == 0:
        model.save()
model.save()
