import json
import math
import os
import signal

PATH = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "state.json")
SAMPLES = 1_500_000_000
BATCH = 2_000_000
stopping = False


def on_sigterm(number, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, on_sigterm)
os.makedirs(os.path.dirname(PATH), exist_ok=True)
done, loss = 0, 0.0
print("ready")
while done < SAMPLES and not stopping:
    # One call into C, as fit() of many libraries is: Python runs no handler until it is over.
    loss += math.fsum(map(math.cos, range(done, done + BATCH)))
    done += BATCH
    print(f"samples {done} loss {loss:.4f}")

with open(PATH + ".tmp", "w") as file:
    json.dump({"done": done, "loss": loss}, file)
os.replace(PATH + ".tmp", PATH)
