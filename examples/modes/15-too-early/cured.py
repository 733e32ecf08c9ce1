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
print("ready to load the libraries")
time.sleep(2)  # import torch, transformers, datasets

os.makedirs(os.path.dirname(PATH), exist_ok=True)
step = 0
while step < 600 and not stopping:
    time.sleep(0.1)  # one step of the training
    step += 1
    print(f"step {step} loss {0.99**step:.4f}")

with open(PATH + ".tmp", "w") as file:
    json.dump({"step": step}, file)
os.replace(PATH + ".tmp", PATH)
