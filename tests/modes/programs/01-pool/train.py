import multiprocessing as mp
import os
import pickle
import signal
import time

CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
CKPT = os.path.join(CKPT_DIR, "pool.ckpt")
stop = False


def init_worker():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def gradient(args):
    shard, w = args
    time.sleep(0.08)
    return sum((w - x) for x in shard) / len(shard)


def on_term(signum, frame):
    global stop
    stop = True


def main():
    os.makedirs(CKPT_DIR, exist_ok=True)
    w, step = 5.0, 0
    if os.path.exists(CKPT):
        with open(CKPT, "rb") as f:
            w, step = pickle.load(f)
        print("resumed at step", step, flush=True)
    shards = [[i * 0.01 + k for i in range(200)] for k in range(3)]
    pool = mp.Pool(3, initializer=init_worker)
    signal.signal(signal.SIGTERM, on_term)
    print("workers ready", flush=True)
    while not stop and step < 3000:
        grads = pool.map(gradient, [(s, w) for s in shards])
        w -= 0.02 * sum(grads) / len(grads)
        step += 1
        print(f"step {step} loss {abs(sum(grads)):.4f}", flush=True)
    pool.close()
    pool.join()
    with open(CKPT + ".tmp", "wb") as f:
        pickle.dump((w, step), f)
    os.rename(CKPT + ".tmp", CKPT)
    print("saved and done", flush=True)


if __name__ == "__main__":
    main()
