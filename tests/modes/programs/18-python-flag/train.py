import os
import signal
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
CKPT = os.path.join(CKPT_DIR, "checkpoint.bin")
MB = 1024 * 1024


class Volume:
    """Network volume: the first megabytes are quick, then there is a limit."""

    def __init__(self, credit=12 * MB, rate=1.5 * MB):
        self.credit = credit
        self.rate = rate

    def write(self, f, data):
        f.write(data)
        f.flush()
        self.credit -= len(data)
        if self.credit < 0:
            time.sleep(len(data) / self.rate)


stop = False


def on_term(signum, frame):
    global stop
    stop = True


def save(volume, weights):
    with open(CKPT, "wb") as f:
        for i in range(0, len(weights), 128 * 1024):
            volume.write(f, weights[i:i + 128 * 1024])


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    signal.signal(signal.SIGTERM, on_term)
    volume = Volume()
    weights = bytearray(12 * MB)
    save(volume, weights)
    print("initial checkpoint written, ready", flush=True)
    step = 0
    while not stop and step < 2000:
        step += 1
        weights[step::4096] = bytes([step % 256]) * len(range(step, len(weights), 4096))
        time.sleep(0.1)
        print(f"step {step} loss {1 / (1 + 0.05 * step):.4f}", flush=True)
    print("saving", flush=True)
    save(volume, weights)
    print("saved", flush=True)


main()
