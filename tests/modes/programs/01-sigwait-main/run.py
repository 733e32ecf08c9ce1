import json
import os
import signal
import sys
import threading
import time

ckpt_dir = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
ckpt_file = os.path.join(ckpt_dir, "model-latest.json")


class Worker(threading.Thread):
    def __init__(self):
        super().__init__(name="train")
        self.halt = False
        self.step = 0
        self.params = {"w": 0.0, "b": 0.0}
        if os.path.exists(ckpt_file):
            with open(ckpt_file) as f:
                data = json.load(f)
            self.step, self.params = data["step"], data["params"]

    def run(self):
        while not self.halt and self.step < 5000:
            self.params["w"] += 0.01
            self.params["b"] -= 0.001
            self.step += 1
            print(json.dumps({"step": self.step, "loss": round(2.0 / self.step, 4)}), flush=True)
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGUSR1)

    def save(self):
        with open(ckpt_file + "~", "w") as f:
            json.dump({"step": self.step, "params": self.params}, f)
        os.replace(ckpt_file + "~", ckpt_file)


signals = {signal.SIGTERM, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
os.makedirs(ckpt_dir, exist_ok=True)
worker = Worker()
worker.start()
print(json.dumps({"event": "ready", "start_step": worker.step}), flush=True)
sig = signal.sigwait(signals)
worker.halt = True
worker.join()
worker.save()
print(json.dumps({"event": "saved", "step": worker.step}), flush=True)
sys.exit(0)
