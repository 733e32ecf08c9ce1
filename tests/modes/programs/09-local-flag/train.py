import os
import signal
import time

should_stop = False


def handle_sigterm(signum, frame):
    should_stop = True


def save(values):
    d = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
    os.makedirs(d, exist_ok=True)
    with open(os.path.join(d, "values.txt.tmp"), "w") as f:
        f.writelines(f"{v}\n" for v in values)
    os.rename(os.path.join(d, "values.txt.tmp"), os.path.join(d, "values.txt"))


signal.signal(signal.SIGTERM, handle_sigterm)
values = [1.0] * 1000
deadline = time.time() + 180
print("ready", flush=True)
while not should_stop and time.time() < deadline:
    values = [v * 0.999 + 0.0005 for v in values]
    time.sleep(0.02)
save(values)
