import argparse
import glob
import os
import pickle
import signal
import time

p = argparse.ArgumentParser()
p.add_argument("--steps", type=int, required=True)
args = p.parse_args()
root = os.environ["CKPT_ROOT"]

stopping = False


def stop(signum, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
files = sorted(glob.glob(os.path.join(root, "checkpoint_*.pkl")))
step, table = 0, {}
if files:
    with open(files[-1], "rb") as f:
        step, table = pickle.load(f)
print(f"starting at step {step}", flush=True)
print("worker ready", flush=True)
while step < args.steps and not stopping:
    table[step % 1000] = step * 0.5
    step += 1
    time.sleep(0.05)
name = os.path.join(root, f"checkpoint-{step:05d}.pkl")
with open(name + ".tmp", "wb") as f:
    pickle.dump((step, table), f)
os.rename(name + ".tmp", name)
print(f"stopped at step {step}, wrote {os.path.basename(name)}", flush=True)
