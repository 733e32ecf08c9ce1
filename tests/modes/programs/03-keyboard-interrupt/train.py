import argparse
import atexit
import json
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--checkpoint-dir", default=os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"))
opts = parser.parse_args()

progress = {"epoch": 0, "step": 0}


@atexit.register
def save_progress():
    os.makedirs(opts.checkpoint_dir, exist_ok=True)
    name = os.path.join(opts.checkpoint_dir, "progress.json")
    with open(name + ".tmp", "w") as f:
        json.dump(progress, f)
    os.replace(name + ".tmp", name)


def main():
    print("ready", flush=True)
    for epoch in range(opts.epochs):
        progress["epoch"] = epoch
        for i in range(100):
            progress["step"] += 1
            time.sleep(0.1)
            sys.stdout.write(f"epoch {epoch} step {progress['step']} loss {1 / (1 + progress['step']):.5f}\n")
            sys.stdout.flush()


try:
    main()
except KeyboardInterrupt:
    print("interrupted, saving progress", flush=True)
    sys.exit(1)
