import asyncio
import json
import os
import signal

OUT = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
state = {"step": 0, "loss": 2.0}


async def saver(period):
    while True:
        await asyncio.sleep(period)
        snapshot = json.dumps(dict(state, pad="x" * 50_000))
        tmp = os.path.join(OUT, "snapshot.json.tmp")
        with open(tmp, "w") as f:
            f.write(snapshot)
        os.replace(tmp, os.path.join(OUT, "snapshot.json"))


async def train(stop):
    while not stop.is_set() and state["step"] < 3000:
        await asyncio.sleep(0.07)
        state["step"] += 1
        state["loss"] *= 0.998
        print(json.dumps(state), flush=True)


async def main():
    os.makedirs(OUT, exist_ok=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    task = asyncio.create_task(saver(0.3))
    print("ready", flush=True)
    await train(stop)
    task.cancel()


asyncio.run(main())
