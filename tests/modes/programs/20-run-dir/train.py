import asyncio
import datetime
import json
import os
import signal

BASE = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


class Run:
    def __init__(self):
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        self.dir = os.path.join(BASE, f"run-{stamp}")
        os.makedirs(self.dir)
        self.file = os.path.join(self.dir, "checkpoint.json")
        self.state = {"step": 0, "loss": 1.0}
        if os.path.exists(self.file):
            with open(self.file) as f:
                self.state = json.load(f)

    def save(self):
        with open(self.file + ".tmp", "w") as f:
            json.dump(self.state, f)
        os.replace(self.file + ".tmp", self.file)

    async def train(self, stop):
        while not stop.is_set() and self.state["step"] < 2000:
            print(f"step {self.state['step']} loss {self.state['loss']:.4f}", flush=True)
            self.state["step"] += 1
            self.state["loss"] *= 0.99
            await asyncio.sleep(0.1)


async def main():
    run = Run()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)
    await run.train(stop)
    run.save()
    print("saved to", run.dir, flush=True)


asyncio.run(main())
