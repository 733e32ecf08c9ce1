import json
import os
import signal
import sys
import time

PATH = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "state.json")

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))  # raises SystemExit where the program is
os.makedirs(os.path.dirname(PATH), exist_ok=True)
step = 0
print("ready")
try:
    while step < 600:
        try:
            step += 1
            time.sleep(0.1)  # one step of the training
            print(f"step {step} loss {0.99**step:.4f}")
        except Exception:
            print(f"batch {step} could not be read, the next one")
finally:
    with open(PATH + ".tmp", "w") as file:
        json.dump({"step": step}, file)
    os.replace(PATH + ".tmp", PATH)
