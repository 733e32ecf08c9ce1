import json
import os
import signal
import time

FOLDER = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
stopping = False


def on_sigterm(number, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, on_sigterm)
os.makedirs(FOLDER, exist_ok=True)
state = {"step": 0, "loss": 1.0}
print("ready")
while state["step"] < 600 and not stopping:
    time.sleep(0.1)  # one step of the training
    state["step"] += 1
    state["loss"] *= 0.99
    print(f"step {state['step']} loss {state['loss']:.4f}")

path = os.path.join(FOLDER, "state.json")
with open(path + ".tmp", "w") as file:
    json.dump(state, file)
os.replace(path + ".tmp", path)
