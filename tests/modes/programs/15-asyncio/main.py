import asyncio
import os
import signal
import time

print("starting")


def load_dataset():
    rows = []
    for shard in range(5):
        time.sleep(0.3)
        rows.extend(range(shard * 100, shard * 100 + 100))
    return rows


DATA = load_dataset()


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for s in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(s, stop.set)
    print("ready")
    step = 0
    acc = 0.0
    while not stop.is_set() and step < 2000:
        await asyncio.sleep(0.1)
        acc += (DATA[step % len(DATA)] - acc) * 0.01
        step += 1
        print(f"step {step} loss {1 / (1 + acc):.4f}")
    d = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
    os.makedirs(d, exist_ok=True)
    with open(os.path.join(d, "acc.tmp"), "w") as f:
        f.write(f"{step} {acc}\n")
    os.replace(os.path.join(d, "acc.tmp"), os.path.join(d, "acc.txt"))


asyncio.run(main())
