import os
import signal
import sys
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
weights = bytearray(30 * 1024 * 1024)
step = 0


def save(path):
    view = memoryview(weights)
    with open(path + ".part", "wb") as f:
        for offset in range(0, len(view), 262144):
            f.write(view[offset:offset + 262144])
            f.flush()
            time.sleep(0.1)  # network volume
    os.rename(path + ".part", path)


def on_term(signum, frame):
    print(f"SIGTERM at step {step}, saving", flush=True)
    save(os.path.join(CKPT_DIR, f"checkpoint-{step}"))
    print("saved", flush=True)
    sys.exit(0)


os.makedirs(CKPT_DIR, exist_ok=True)
signal.signal(signal.SIGTERM, on_term)
print("ready", flush=True)
while step < 2000:
    step += 1
    weights[step] = step % 256
    time.sleep(0.1)
    print(f"step {step} loss {5 / (4 + step):.4f}", flush=True)
