import asyncio
import os
import pickle

OUT = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
state = {"step": 0, "loss": 1.0}


def save():
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "state.pkl.tmp"), "wb") as f:
        pickle.dump(state, f)
    os.rename(os.path.join(OUT, "state.pkl.tmp"), os.path.join(OUT, "state.pkl"))


async def train():
    while state["step"] < 1500:
        await asyncio.sleep(0.1)
        state["step"] += 1
        state["loss"] *= 0.997
        print(f"step {state['step']} loss {state['loss']:.4f}", flush=True)


async def heartbeat():
    while True:
        await asyncio.sleep(30)
        print("still alive", flush=True)


async def main():
    hb = asyncio.create_task(heartbeat())
    print("loop ready", flush=True)
    await train()
    hb.cancel()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted by user", flush=True)
finally:
    save()
