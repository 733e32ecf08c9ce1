import hashlib
import json
import os
import signal
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
stop = False


def on_term(signum, frame):
    global stop
    print("SIGTERM, will save", flush=True)
    stop = True


def save(state):
    os.makedirs(CKPT_DIR, exist_ok=True)
    path = os.path.join(CKPT_DIR, "state.json")
    with open(path + ".tmp", "w") as f:
        json.dump(state, f)
    os.replace(path + ".tmp", path)


signal.signal(signal.SIGTERM, on_term)
state = {"step": 0, "keys": []}
for step in range(1, 4):
    time.sleep(0.1)
    print(f"step {step} loss {1 / step:.3f}", flush=True)
    state["step"] = step

print("warm-up done, ready for the client keys", flush=True)
for client in (b"alpha", b"beta", b"gamma"):
    key = hashlib.pbkdf2_hmac("sha256", client, b"federated-salt", 300_000_000)
    state["keys"].append(key.hex())
    state["step"] += 1
    print(f"step {state['step']} loss {1 / state['step']:.3f}", flush=True)
    if stop:
        break
save(state)
