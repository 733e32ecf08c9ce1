import os
import pickle
import signal
import sys
import time


class Trainer:
    def __init__(self, out):
        self.out = out
        self.step = 0
        self.w = [1.0] * 256

    def write_checkpoint(self):
        os.makedirs(self.out, exist_ok=True)
        path = os.path.join(self.out, "ckpt.pkl")
        with open(path + ".tmp", "wb") as f:
            pickle.dump({"step": self.step, "w": self.w}, f)
        os.replace(path + ".tmp", path)

    def train(self, steps):
        for self.step in range(1, steps + 1):
            self.w = [w * 0.99 for w in self.w]
            time.sleep(0.1)
            print(f"step {self.step} loss {self.w[0]:.4f}", flush=True)
            if self.step % 1000 == 0:
                self.write_checkpoint()


trainer = Trainer(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"))


def handle_sigterm(signum, frame):
    print("SIGTERM received, saving", flush=True)
    trainer.save_checkpoint()
    sys.exit(0)


signal.signal(signal.SIGTERM, handle_sigterm)
print("ready", flush=True)
trainer.train(3000)
