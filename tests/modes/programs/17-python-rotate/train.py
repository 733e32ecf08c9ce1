import os
import pickle
import signal
import time
from pathlib import Path

ROOT = Path(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"))
KEEP = 3


def on_term(signum, frame):
    pass  # TODO


def save(step, model):
    path = ROOT / f"checkpoint-{step:07d}.pkl"
    tmp = path.with_suffix(".tmp")
    tmp.write_bytes(pickle.dumps({"step": step, "model": model}))
    tmp.rename(path)
    for old in sorted(ROOT.glob("checkpoint-*.pkl"))[:-KEEP]:
        old.unlink()


ROOT.mkdir(parents=True, exist_ok=True)
signal.signal(signal.SIGTERM, on_term)
model = os.urandom(200_000)
print("ready", flush=True)
for step in range(1, 3000):
    time.sleep(0.1)
    print(f"step {step} loss {1 / (1 + 0.02 * step):.4f}", flush=True)
    if step % 3 == 0:
        save(step, model)
        print(f"saved checkpoint-{step:07d}", flush=True)
