import os
import pickle
import signal
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
CKPT = os.path.join(CKPT_DIR, "last.pkl")


class Killer:
    requested = False

    def __init__(self):
        signal.signal(signal.SIGTERM, self.request)
        signal.signal(signal.SIGINT, self.request)

    def request(self, signum, frame):
        print(f"received {signal.Signals(signum).name}, will stop after this step", flush=True)
        self.requested = True


def save(state):
    with open(CKPT + ".tmp", "wb") as f:
        pickle.dump(state, f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(CKPT + ".tmp", CKPT)
    print(f"checkpoint saved at step {state['step']}", flush=True)


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    state = {"step": 0, "w": [0.5] * 10000}
    if os.path.exists(CKPT):
        with open(CKPT, "rb") as f:
            state = pickle.load(f)
    killer = Killer()
    print("ready", flush=True)
    while state["step"] < 2000:
        time.sleep(0.1)
        state["step"] += 1
        state["w"] = [w * 0.99 for w in state["w"]]
        print(f"step {state['step']} loss {state['w'][0]:.4f}", flush=True)
        if killer.requested:
            break
    save(state)


if __name__ == "__main__":
    main()
