import json
import os
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
SAVE_EVERY = 3


def save(state):
    path = os.path.join(CKPT_DIR, "latest.json")
    with open(path + ".tmp", "w") as f:
        json.dump(state, f)
    os.replace(path + ".tmp", path)


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    state = {"step": 0, "w": [1.0] * 2000}
    print("ready", flush=True)
    while state["step"] < 1500:
        state["w"] = [w * 0.995 for w in state["w"]]
        state["step"] += 1
        time.sleep(0.1)
        print(f"step {state['step']} loss {state['w'][0]:.4f}", flush=True)
        if state["step"] % SAVE_EVERY == 0:
            save(state)


main()
