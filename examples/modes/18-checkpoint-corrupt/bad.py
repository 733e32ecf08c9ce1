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


def save(parts):
    with open(PATH, "wb", buffering=0) as file:
        for part in parts:
            file.write(part)
            time.sleep(0.1)  # 2.5 MB/s, as a network file system has them


signal.signal(signal.SIGTERM, on_sigterm)
os.makedirs(os.path.dirname(PATH), exist_ok=True)
save(weights)
print("ready")
for step in range(1, 601):
    time.sleep(0.1)  # one step of the training
    print(f"step {step} loss {1 / step:.4f}")
    if stopping:
        save(weights + samples)
        break
