import os
import signal
import time

PATH = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "model.bin")
PART = bytes(250_000)
weights, samples = [PART] * 4, [PART] * 600
stopping = False


def on_sigterm(number, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, on_sigterm)
os.makedirs(os.path.dirname(PATH), exist_ok=True)
step = 0
print("ready")
while step < 600 and not stopping:
    time.sleep(0.1)  # one step of the training
    step += 1
    print(f"step {step} loss {1 / step:.4f}")

with open(PATH + ".tmp", "wb", buffering=0) as file:
    for part in weights + samples:
        file.write(part)
        time.sleep(0.1)  # 2.5 MB/s, as a network file system has them
os.replace(PATH + ".tmp", PATH)
