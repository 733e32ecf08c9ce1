import os
import pickle
import signal
import time


class Terminate(Exception):
    pass


def handler(signum, frame):
    raise Terminate


signal.signal(signal.SIGTERM, handler)
print("ready", flush=True)
out = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
step = 0
try:
    while step < 2000:
        time.sleep(0.1)
        step += 1
        print(f"step {step} loss {3 / (2 + step):.4f}", flush=True)
except Terminate:
    print("terminating", flush=True)
os.makedirs(out, exist_ok=True)
with open(os.path.join(out, "s.pkl.tmp"), "wb") as f:
    pickle.dump(step, f)
os.rename(os.path.join(out, "s.pkl.tmp"), os.path.join(out, "s.pkl"))
