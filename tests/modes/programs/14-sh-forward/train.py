import argparse
import os
import signal
import time

ap = argparse.ArgumentParser()
ap.add_argument("--output", required=True)
ap.add_argument("--run-name", default="run-1")
args = ap.parse_args()

terminate = []
signal.signal(signal.SIGTERM, lambda s, f: terminate.append(s))


def save(step, weights):
    path = os.path.join(args.output, args.run_name, f"step{step}.bin")
    with open(path + ".tmp", "wb") as f:
        f.write(weights)
    os.replace(path + ".tmp", path)


weights = bytearray(1 << 20)
print("ready", flush=True)
for step in range(1, 2000):
    weights[step] = step & 255
    time.sleep(0.1)
    print(f"step {step} loss {1 / (step + 1):.4f}", flush=True)
    if terminate or step % 1000 == 0:
        save(step, bytes(weights))
        if terminate:
            break
