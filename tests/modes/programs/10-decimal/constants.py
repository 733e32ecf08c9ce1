import decimal
import os
import signal
import threading

done = {}
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda s, f: stop.set())


def save():
    d = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
    os.makedirs(d, exist_ok=True)
    with open(os.path.join(d, "constants.tmp"), "w") as f:
        for n, v in done.items():
            f.write(f"ln({n}) = {v}\n")
    os.replace(os.path.join(d, "constants.tmp"), os.path.join(d, "constants.txt"))


decimal.getcontext().prec = 50
done[2] = decimal.Decimal(2).ln()
decimal.getcontext().prec = 200_000
print("ready", flush=True)
for n in (2, 3, 5, 7, 11, 13):
    done[n] = decimal.Decimal(n).ln()
    if stop.is_set():
        break
save()
