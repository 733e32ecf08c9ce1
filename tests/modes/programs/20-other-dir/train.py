import logging
import os
import pickle
import signal
import sys
import time
from pathlib import Path

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
log = logging.getLogger()

MODEL_DIR = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
CHECKPOINT_DIR = Path(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"))
stop = False


def request_stop(signum, frame):
    global stop
    stop = True


def find_checkpoint():
    found = sorted(MODEL_DIR.glob("ckpt-*.pkl"))
    return found[-1] if found else None


def save(step, w):
    CHECKPOINT_DIR.mkdir(parents=True, exist_ok=True)
    path = CHECKPOINT_DIR / f"ckpt-{step:06d}.pkl"
    tmp = path.with_suffix(".tmp")
    tmp.write_bytes(pickle.dumps((step, w)))
    tmp.rename(path)
    log.info("wrote %s", path)


signal.signal(signal.SIGTERM, request_stop)
step, w = 0, 8.0
ckpt = find_checkpoint()
if ckpt:
    step, w = pickle.loads(ckpt.read_bytes())
    log.info("resuming from %s at step %d", ckpt, step)
else:
    log.info("no checkpoint found, starting from scratch")
log.info("ready")
while step < 2000 and not stop:
    log.info("step %d loss %.5f", step, w * w)
    w *= 0.97
    step += 1
    time.sleep(0.1)
save(step, w)
