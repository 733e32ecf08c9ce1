import os
import signal
import sys
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
CHUNK = 256 * 1024
CHUNKS = 40

stop = False


def on_term(signum, frame):
    global stop
    stop = True


def save(step):
    final = os.path.join(CKPT_DIR, "model.ckpt")
    with open(final + ".part", "wb") as f:
        for i in range(CHUNKS):
            f.write(os.urandom(CHUNK))
            f.flush()
            time.sleep(0.07)  # about 3.5 MB/s is what the volume gives us
        f.write(step.to_bytes(8, "little"))
    os.replace(final + ".part", final)


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    signal.signal(signal.SIGTERM, on_term)
    print("ready", flush=True)
    step = 0
    while not stop and step < 1500:
        time.sleep(0.1)
        step += 1
        print(f"step {step} loss {1 / (1 + step / 50):.4f}", flush=True)
    print("saving checkpoint", flush=True)
    save(step)
    print("checkpoint complete", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
