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
step = 0
print("ready")
while step < 600 and not stopping:
    time.sleep(0.1)  # one step of the training
    step += 1
    print(f"step {step} loss {1 / step:.4f}")

path = os.path.join(FOLDER, "model.bin")
with open(path + ".tmp", "wb", buffering=0) as file:
    for _ in range(20):
        file.write(bytes(250_000))
        time.sleep(0.1)  # 2.5 MB/s, as a network file system has them
os.replace(path + ".tmp", path)
