import json
import os
import signal
import subprocess
import sys
import time

CKPT = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "state.json")
stop = False


def on_term(signum, frame):
    global stop
    stop = True


def main():
    os.makedirs(os.path.dirname(CKPT), exist_ok=True)
    server = subprocess.Popen([sys.executable, "features.py"], stdout=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, on_term)
    print("feature server has pid", server.pid, flush=True)
    print("ready", flush=True)
    step = 0
    while not stop and step < 2000:
        time.sleep(0.1)
        step += 1
        print(f"step {step} loss {1 / (1 + 0.1 * step):.4f}", flush=True)
    with open(CKPT + ".tmp", "w") as f:
        json.dump({"step": step}, f)
    os.replace(CKPT + ".tmp", CKPT)
    print("saved, done", flush=True)


main()
