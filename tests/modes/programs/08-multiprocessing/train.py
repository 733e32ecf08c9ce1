import multiprocessing as mp
import os
import signal
import time

CKPT = os.path.join(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"), "params.bin")


def worker(started):
    stop = []
    signal.signal(signal.SIGTERM, lambda s, f: stop.append(s))
    started.set()
    params = bytearray(8 << 20)
    for step in range(3000):
        params[step] = step % 256
        time.sleep(0.05)
        if stop:
            break
    view = memoryview(params)
    with open(CKPT + ".tmp", "wb") as f:
        for off in range(0, len(view), 1 << 18):
            f.write(view[off:off + (1 << 18)])
            f.flush()
            time.sleep(0.08)
    os.replace(CKPT + ".tmp", CKPT)


def main():
    os.makedirs(os.path.dirname(CKPT), exist_ok=True)
    started = mp.Event()
    proc = mp.Process(target=worker, args=(started,))
    proc.start()

    def on_term(signum, frame):
        proc.terminate()
        proc.join(0.5)
        print("parent leaves", flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, on_term)
    started.wait()
    print("worker ready", flush=True)
    proc.join()


if __name__ == "__main__":
    main()
