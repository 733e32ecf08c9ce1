import os
import pickle
import signal
import time


class Preempted(Exception):
    pass


def preempt(signum, frame):
    raise Preempted


outdir = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


def dump(layers, path):
    with open(path, "wb", buffering=0) as f:
        for name, layer in layers.items():
            f.write(pickle.dumps((name, layer)))
            time.sleep(0.1)


os.makedirs(outdir, exist_ok=True)
layers = {f"layer{i}": bytes(300_000) for i in range(28)}
signal.signal(signal.SIGTERM, preempt)
print("worker ready", flush=True)
step = 0
try:
    while step < 4000:
        step += 1
        time.sleep(0.1)
        print(f"step {step} loss {2 * 0.99 ** step:.4f}", flush=True)
except Preempted:
    print(f"preempted at step {step}, dumping layers", flush=True)
dump(layers, os.path.join(outdir, f"preempt-{step}.pkl"))
print("dump finished", flush=True)
