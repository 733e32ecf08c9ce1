import asyncio
import json
import os
import signal

OUT = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
state = {"step": 0, "loss": 1.0}
loop = asyncio.new_event_loop()


def save():
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "state.json.tmp"), "w") as f:
        json.dump(state, f)
    os.replace(os.path.join(OUT, "state.json.tmp"), os.path.join(OUT, "state.json"))


def save_every(seconds):
    save()
    loop.call_later(seconds, save_every, seconds)


async def train():
    while state["step"] < 2000:
        await asyncio.sleep(0.1)
        state["step"] += 1
        state["loss"] *= 0.995
        print(f"step {state['step']} loss {state['loss']:.4f}", flush=True)
    save()
    loop.stop()


loop.add_signal_handler(signal.SIGTERM, loop.stop)
loop.call_soon(save_every, 30)
task = loop.create_task(train())
loop.call_soon(lambda: print("ready", flush=True))
loop.run_forever()
print("loop stopped", flush=True)
os._exit(0)
