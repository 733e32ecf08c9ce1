import asyncio
import os
import pickle
import signal

CKPT = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "ckpt.pkl")


async def get_batch(i):
    await asyncio.sleep(0.1)
    return [i % 5] * 8


async def train(steps):
    w = 0.0
    step = 0
    while step < steps:
        try:
            batch = await get_batch(step)
        except (asyncio.TimeoutError, asyncio.CancelledError):
            print("batch did not arrive, asking again", flush=True)
            continue
        step += 1
        w += 0.01 * (sum(batch) / 8 - w)
        print(f"step {step} loss {abs(2 - w):.4f}", flush=True)
    return w


async def main():
    task = asyncio.ensure_future(train(2500))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    print("ready", flush=True)
    try:
        w = await task
    finally:
        print("leaving", flush=True)
    os.makedirs(os.path.dirname(CKPT), exist_ok=True)
    with open(CKPT, "wb") as f:
        pickle.dump(w, f)


asyncio.run(main())
