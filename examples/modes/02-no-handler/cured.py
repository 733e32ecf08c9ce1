import json
import os
import signal
import time

PATH = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "state.json")
stopping = False


def on_sigterm(number, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, on_sigterm)
os.makedirs(os.path.dirname(PATH), exist_ok=True)
print("ready")
for step in range(600):
    time.sleep(0.1)  # one step of the training
    print(f"step {step} loss {0.99**step:.4f}")
    if stopping:
        break

with open(PATH + ".tmp", "w") as file:
    json.dump({"step": step}, file)
os.replace(PATH + ".tmp", PATH)
