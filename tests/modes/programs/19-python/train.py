import json
import os
import time

MODEL_DIR = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")


def main():
    w = 5.0
    print("ready", flush=True)
    for step in range(1, 19):
        w -= 0.2 * w
        time.sleep(0.1)
        print(f"step {step} loss {w * w:.5f}", flush=True)
    os.makedirs(MODEL_DIR, exist_ok=True)
    with open(os.path.join(MODEL_DIR, "model.json.tmp"), "w") as f:
        json.dump({"w": w}, f)
    os.replace(os.path.join(MODEL_DIR, "model.json.tmp"), os.path.join(MODEL_DIR, "model.json"))
    print("training complete", flush=True)


main()
