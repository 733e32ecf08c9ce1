import os
import signal
import threading
import time


class Trainer(threading.Thread):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.stop_event = threading.Event()
        self.w = 1.0

    def run(self):
        for step in range(1, self.steps + 1):
            if self.stop_event.is_set():
                break
            time.sleep(0.1)
            self.w *= 0.99
            print(f"step {step} loss {self.w:.4f}", flush=True)
        self.save()

    def save(self):
        d = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
        os.makedirs(d, exist_ok=True)
        with open(os.path.join(d, "w.tmp"), "w") as f:
            f.write(repr(self.w))
        os.replace(os.path.join(d, "w.tmp"), os.path.join(d, "w.txt"))


shutdown = threading.Event()
signal.signal(signal.SIGTERM, lambda s, f: shutdown.set())
Trainer(2000).start()
print("trainer ready", flush=True)
shutdown.wait()
print("shutdown requested", flush=True)
