import asyncio
import os
import random
import signal

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
CHUNK = 128 * 1024


class Checkpoint:
    def __init__(self, path):
        self.file = open(path, "w+b", buffering=0)

    async def write(self, tensors, delay=0.0):
        self.file.seek(0)
        for t in tensors:
            self.file.write(t)
            await asyncio.sleep(delay)
        self.file.truncate()
        os.fsync(self.file.fileno())


async def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    rng = random.Random(5)
    ckpt = Checkpoint(os.path.join(CKPT_DIR, "model.ckpt"))
    tensors = [rng.randbytes(CHUNK) for _ in range(90)]
    await ckpt.write(tensors)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)
    step = 0
    while not stop.is_set() and step < 2000:
        await asyncio.sleep(0.1)
        step += 1
        tensors[step % 90] = rng.randbytes(CHUNK)
        print(f"step {step} loss {1 / (2 + 0.1 * step):.4f}", flush=True)
    await ckpt.write(tensors, delay=0.09)  # in small portions, the link is slow
    print("model.ckpt is up to date", flush=True)


asyncio.run(main())
