import asyncio
import os
import pickle
import signal


async def train(metrics, stop):
    step = 0
    for epoch in range(10):
        for _ in range(300):
            if stop.is_set():
                return step
            await asyncio.sleep(0.1)
            step += 1
            metrics["loss"] = 1 / (1 + 0.01 * step)
            print(f"step {step} loss {metrics['loss']:.4f}", flush=True)
        metrics["val_loss"] = metrics["loss"] * 1.1
    return step


def save(step, metrics):
    d = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
    os.makedirs(d, exist_ok=True)
    name = f"model-{step}-{metrics['val_loss']:.3f}.pkl"
    with open(os.path.join(d, name + ".tmp"), "wb") as f:
        pickle.dump(metrics, f)
    os.rename(os.path.join(d, name + ".tmp"), os.path.join(d, name))


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    metrics = {}
    print("ready", flush=True)
    step = await train(metrics, stop)
    save(step, metrics)


asyncio.run(main())
