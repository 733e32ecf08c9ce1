import json
import os
import signal
import time

DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
stop = False


def on_term(signum, frame):
    global stop
    stop = True


class NoSignals:
    """Keep signals away from a critical section."""

    def __enter__(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        self.old = signal.pthread_sigmask(signal.SIG_BLOCK, set())

    def __exit__(self, *exc):
        signal.pthread_sigmask(signal.SIG_SETMASK, self.old)


def save(step, loss):
    with NoSignals():
        path = os.path.join(DIR, "state.json")
        with open(path + ".tmp", "w") as f:
            json.dump({"step": step, "loss": loss}, f)
        os.replace(path + ".tmp", path)


os.makedirs(DIR, exist_ok=True)
signal.signal(signal.SIGTERM, on_term)
save(0, None)
print("ready", flush=True)
step, loss = 0, 1.0
while not stop and step < 2000:
    step += 1
    loss *= 0.99
    time.sleep(0.1)
    print(f"step {step} loss {loss:.5f}", flush=True)
    if step % 600 == 0:
        save(step, loss)
save(step, loss)
print("stopped at", step, flush=True)
