import asyncio
import hashlib
import os
import signal
from pathlib import Path

CKPT = Path(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"))


async def fetch_layer(i):
    """The shards live on the parameter servers."""
    await asyncio.sleep(0.15)
    return hashlib.sha512(str(i).encode()).digest() * 4096


async def checkpoint(step):
    CKPT.mkdir(parents=True, exist_ok=True)
    tmp = CKPT / f".step{step}.inprogress"
    with tmp.open("wb", buffering=0) as f:
        for i in range(96):
            f.write(await fetch_layer(i))
    tmp.rename(CKPT / f"step{step}.bin")


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)
    step = 0
    while step < 2000:
        try:
            await asyncio.wait_for(stop.wait(), timeout=0.1)
            break
        except asyncio.TimeoutError:
            step += 1
            print(f"step {step} loss {1.5 / (1 + 0.1 * step):.4f}", flush=True)
    print("collecting layers", flush=True)
    await checkpoint(step)
    print("checkpoint written", flush=True)


asyncio.run(main())
