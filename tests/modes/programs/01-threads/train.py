import json
import logging
import os
import queue
import signal
import sys
import threading
import time

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("train")

CKPT = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "state.json")
quit_event = threading.Event()
batches = queue.Queue(maxsize=4)
state = {"step": 0, "mean": 0.0}


def loader():
    i = 0
    while not quit_event.is_set():
        try:
            batches.put([i, i + 1, i + 2], timeout=0.2)
            i += 1
        except queue.Full:
            pass


def trainer():
    while not quit_event.is_set():
        try:
            batch = batches.get(timeout=0.2)
        except queue.Empty:
            continue
        time.sleep(0.1)
        state["step"] += 1
        state["mean"] = 0.99 * state["mean"] + 0.01 * sum(batch)
        log.info("step %d loss %.4f", state["step"], 1.0 / state["step"])


def save():
    os.makedirs(os.path.dirname(CKPT), exist_ok=True)
    with open(CKPT + ".tmp", "w") as f:
        json.dump(state, f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(CKPT + ".tmp", CKPT)


if os.path.exists(CKPT):
    with open(CKPT) as f:
        state.update(json.load(f))
    log.info("resumed from step %d", state["step"])
signal.signal(signal.SIGTERM, lambda *a: quit_event.set())
threads = [threading.Thread(target=t) for t in (loader, trainer)]
for t in threads:
    t.start()
log.info("ready")
quit_event.wait()
for t in threads:
    t.join()
save()
log.info("state saved at step %d", state["step"])
sys.exit(143)
