import multiprocessing
import os
import pickle
import signal
import time


def produce(q):
    n = 0
    while True:
        q.put([n * 0.1] * 32)
        n += 1


def main():
    # the loader processes inherit this, a Ctrl-C or a kill must not tear them down mid-batch
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    q = multiprocessing.Queue(8)
    loaders = [multiprocessing.Process(target=produce, args=(q,), daemon=True) for _ in range(2)]
    for p in loaders:
        p.start()

    out = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
    os.makedirs(out, exist_ok=True)
    w = 0.0
    print("ready", flush=True)
    for step in range(1, 2001):
        batch = q.get()
        w += 0.0001 * sum(batch)
        time.sleep(0.1)
        print(f"step {step} loss {1 / (1 + w):.4f}", flush=True)
        if step % 500 == 0:
            with open(os.path.join(out, f"step{step}.pkl"), "wb") as f:
                pickle.dump(w, f)


if __name__ == "__main__":
    main()
