import argparse
import contextlib
import json
import os
import pathlib
import signal
import time

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=4000)
args = parser.parse_args()

ckpt = pathlib.Path(os.environ["SM_CHECKPOINT_DIR"]) / "ckpt.json"
pending = False


def note(signum, frame):
    global pending
    pending = True


@contextlib.contextmanager
def atomic(path):
    tmp = path.with_suffix(".tmp")
    with tmp.open("w") as f:
        yield f
    tmp.rename(path)


signal.signal(signal.SIGTERM, note)
x, start = 10.0, 0
if ckpt.exists():
    saved = json.loads(ckpt.read_text())
    x, start = saved["x"], saved["step"]
    print(f"resuming from step {start}", flush=True)
print("ready", flush=True)
for step in range(start + 1, args.steps):
    x -= args.lr * 2 * x
    time.sleep(0.12)
    print(f"step {step} loss {x * x:.6f}", flush=True)
    if pending:
        with atomic(ckpt) as f:
            json.dump({"x": x, "step": step}, f)
        print("checkpointed, bye", flush=True)
        raise SystemExit(0)
