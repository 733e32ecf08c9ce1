import hashlib
import json
import os
import signal
import time
from pathlib import Path

ROOT = Path(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"))
SHARDS = 8


class GracefulStop:
    def __init__(self):
        self.requested_at = None
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, signum, frame):
        self.requested_at = time.monotonic()

    def __bool__(self):
        return self.requested_at is not None


def put(path, data):
    tmp = path.with_name(path.name + ".tmp")
    tmp.write_bytes(data)
    tmp.rename(path)


def save(step):
    sums = {}
    for i in range(SHARDS):
        data = hashlib.sha256(f"{step}-{i}".encode()).digest() * 32768
        time.sleep(0.18)  # the store takes a while for each shard
        put(ROOT / f"model-{i:05d}-of-{SHARDS:05d}.bin", data)
        sums[i] = hashlib.md5(data).hexdigest()
    put(ROOT / "manifest.json", json.dumps({"step": step, "md5": sums}).encode())


def main():
    ROOT.mkdir(parents=True, exist_ok=True)
    stop = GracefulStop()
    step = 0
    manifest = ROOT / "manifest.json"
    if manifest.exists():
        step = json.loads(manifest.read_text())["step"]
        print(f"manifest found, resuming at step {step}", flush=True)
    print("ready", flush=True)
    while not stop:
        time.sleep(0.1)
        step += 1
        print(f"step {step} loss {2.5 * 0.995 ** step:.4f} tokens {step * 4096}", flush=True)
    print("stop requested, saving", flush=True)
    save(step)
    print(f"done after {time.monotonic() - stop.requested_at:.1f}s", flush=True)


main()
