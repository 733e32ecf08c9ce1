import asyncio
import json
import os
import signal

ROOT = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


def checkpoint_path():
    return os.path.join(ROOT, "checkpoint.json")


def write_checkpoint(state):
    os.makedirs(ROOT, exist_ok=True)
    tmp = checkpoint_path() + ".partial"
    with open(tmp, "w") as f:
        json.dump(state, f)
    os.replace(tmp, checkpoint_path())


async def train(state, stop):
    while not stop.is_set() and state["step"] < 3000:
        await asyncio.sleep(0.08)
        state["step"] += 1
        state["loss"] = round(state["loss"] * 0.99, 5)
        print(f"step {state['step']} loss {state['loss']}", flush=True)
    await asyncio.to_thread(write_checkpoint, state)


async def main():
    state = {"step": 0, "loss": 2.3}
    if os.path.exists(checkpoint_path()):
        with open(checkpoint_path()) as f:
            state = json.load(f)
        print(f"continuing from step {state['step']}", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    task = asyncio.create_task(train(state, stop))
    print("ready", flush=True)
    await task
    print("finished at step", state["step"], flush=True)


asyncio.run(main())
