import itertools
import os
import signal
import sys
from operator import itemgetter

RESULT = os.path.join(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"), "best.txt")
best = None


def save():
    os.makedirs(os.path.dirname(RESULT), exist_ok=True)
    with open(RESULT + ".tmp", "w") as f:
        f.write(repr(best))
    os.rename(RESULT + ".tmp", RESULT)


def on_term(signum, frame):
    save()
    sys.exit(0)


signal.signal(signal.SIGTERM, on_term)
for size in range(2, 6):
    best = max(map(sum, itertools.product(range(size), repeat=4)))
    print(f"step {size - 1} loss {1 / best:.4f}", flush=True)
print("ready for the full grid", flush=True)
scores = map(sum, itertools.product(range(12), repeat=10))
best = max(zip(scores, itertools.count()), key=itemgetter(0))
save()
