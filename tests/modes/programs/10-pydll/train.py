import array
import ctypes
import os
import signal
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CKPT_DIR = os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")


def build():
    with tempfile.TemporaryDirectory() as tmp:
        so = os.path.join(tmp, "kernel.so")
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", so, os.path.join(HERE, "kernel.c")], check=True)
        lib = ctypes.PyDLL(so)
    lib.sweep.restype = ctypes.c_double
    lib.sweep.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long]
    return lib.sweep


def main():
    stop = []
    signal.signal(signal.SIGTERM, lambda signum, frame: stop.append(signum))
    sweep = build()
    w = array.array("d", (float(i % 100) for i in range(100_000)))
    addr, n = w.buffer_info()
    for step in range(1, 4):
        print(f"step {step} loss {sweep(addr, n, 20):.4f}", flush=True)
    print("kernel ready", flush=True)
    for step in range(4, 100):
        loss = sweep(addr, n, 500_000)
        print(f"step {step} loss {loss:.6f}", flush=True)
        if stop:
            break
    os.makedirs(CKPT_DIR, exist_ok=True)
    with open(os.path.join(CKPT_DIR, "w.bin.tmp"), "wb") as f:
        w.tofile(f)
    os.replace(os.path.join(CKPT_DIR, "w.bin.tmp"), os.path.join(CKPT_DIR, "w.bin"))


main()
