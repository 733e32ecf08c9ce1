import json
import os
import signal
import time

rank = int(os.environ.get("RANK", "0"))
base = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
os.makedirs(base, exist_ok=True)
flags = {"stop": False}
signal.signal(signal.SIGTERM, lambda *_: flags.update(stop=True))
if rank == 0:
    time.sleep(0.2)
    print("rank 0 ready", flush=True)
step = 0
while not flags["stop"] and step < 1500:
    time.sleep(0.1)
    step += 1
    if rank == 0:
        print(f"step {step} loss {0.99 ** step:.5f}", flush=True)
name = os.path.join(base, f"rank{rank}.json")
with open(name + ".tmp", "w") as f:
    json.dump({"step": step, "rank": rank}, f)
os.replace(name + ".tmp", name)
print(f"rank {rank} saved", flush=True)
