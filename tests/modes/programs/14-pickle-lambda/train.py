import os
import pickle
import signal
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


class Scheduler:
    def __init__(self, base, fn):
        self.base = base
        self.fn = fn

    def lr(self, step):
        return self.base * self.fn(step)


stop = False


def request_stop(*_):
    global stop
    stop = True


def save(**objects):
    os.makedirs(CKPT_DIR, exist_ok=True)
    final = os.path.join(CKPT_DIR, "checkpoint.pkl")
    with open(final + ".tmp", "wb") as f:
        pickle.dump(objects, f)
    os.replace(final + ".tmp", final)


signal.signal(signal.SIGTERM, request_stop)
scheduler = Scheduler(0.1, lambda step: 0.99 ** step)
model = {"w": 4.0}
print("ready", flush=True)
for step in range(1, 3000):
    model["w"] -= scheduler.lr(step) * model["w"]
    time.sleep(0.1)
    print(f"step {step} loss {model['w'] ** 2:.6f}", flush=True)
    if stop:
        print("saving before exit", flush=True)
        save(model=model, scheduler=scheduler, step=step)
        break
