import json
import os
import select
import signal
import socket

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    path = os.path.join(CKPT_DIR, "run.json")
    step = 0
    if os.path.exists(path):
        with open(path) as f:
            step = json.load(f)["step"]
    rd, wr = socket.socketpair()
    rd.setblocking(False)
    wr.setblocking(False)
    signal.set_wakeup_fd(wr.fileno())
    signal.signal(signal.SIGTERM, lambda s, f: None)
    print(f"ready, first step is {step}", flush=True)

    total = 0.0
    while True:
        readable, _, _ = select.select([rd], [], [], 0.05)
        if readable and signal.SIGTERM in rd.recv(64):
            break
        total += sum(i * 1e-6 for i in range(2000))
        step += 1

    with open(path + ".tmp", "w") as f:
        json.dump({"step": step, "total": total, "pad": "0" * 500_000}, f)
    os.replace(path + ".tmp", path)


main()
