import os
import threading
import time

out = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
path = os.path.join(out, "params.db")
RECORD = 64 * 1024
RECORDS = 160

params = [bytes([0]) * RECORD for _ in range(RECORDS)]
os.makedirs(out, exist_ok=True)
with open(path, "wb") as f:
    f.writelines(params)


def sync_forever():
    # low priority: one record at a time so that the training is not slowed down
    while True:
        with open(path, "r+b") as f:
            for i in range(RECORDS):
                f.seek(i * RECORD)
                f.write(params[i])
                f.flush()
                time.sleep(0.05)


threading.Thread(target=sync_forever, daemon=True).start()
print("ready", flush=True)
for step in range(1, 2000):
    for i in range(RECORDS):
        params[i] = bytes([step % 251 + 1]) * RECORD
    time.sleep(0.1)
    print(f"step {step} loss {0.99 ** step:.4f}", flush=True)
