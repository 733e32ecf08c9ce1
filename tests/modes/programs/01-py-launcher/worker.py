import os
import signal
import time


class SigTerm(Exception):
    pass


def raise_it(signum, frame):
    raise SigTerm


base = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
target = os.path.join(base, "embedding.txt")
os.makedirs(base, exist_ok=True)
n = 0
if os.path.exists(target):
    with open(target) as fh:
        n = int(fh.readline().split()[1])
    print("continue at step", n)
signal.signal(signal.SIGTERM, raise_it)
print("worker ready")
try:
    while n < 9999:
        time.sleep(0.1)
        n += 1
        print(f"step {n} loss {4 / (n + 4):.3f} lr 0.001")
except SigTerm:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("stop requested at step", n)
with open(target + ".wip", "w") as fh:
    fh.write(f"step {n}\n")
    for i in range(20000):
        fh.write(f"{i} {i * 0.5}\n")
os.rename(target + ".wip", target)
print("embedding written")
