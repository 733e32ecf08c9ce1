import io
import os
import signal
import time

SAVE_TO = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


class Stop:
    now = False

    def __init__(self):
        signal.signal(signal.SIGTERM, self)

    def __call__(self, signum, frame):
        Stop.now = True


def latest():
    steps = [int(n[5:-3]) for n in os.listdir(SAVE_TO) if n.startswith("step_") and n.endswith(".pt")]
    return max(steps, default=0)


def save(step):
    buf = io.BytesIO()
    for i in range(64):
        buf.write(i.to_bytes(2, "big") * 16384)
    tmp = os.path.join(SAVE_TO, f".step_{step}.pt.tmp")
    with open(tmp, "wb") as f:
        f.write(buf.getvalue())
    os.replace(tmp, os.path.join(SAVE_TO, f"step_{step}.pt"))


os.makedirs(SAVE_TO, exist_ok=True)
Stop()
step = latest()
print(f"start step {step}", flush=True)
print("ready", flush=True)
while not Stop.now:
    step += 1
    time.sleep(0.1)
    print(f"step {step} loss {0.9 ** (step / 20):.4f}", flush=True)
save(step)
print(f"saved step_{step}.pt", flush=True)
