import signal
import subprocess
import sys

KILL_AFTER = 1.0


class Launcher:
    def __init__(self, argv):
        self.proc = subprocess.Popen(argv)
        signal.signal(signal.SIGTERM, self.on_signal)
        signal.signal(signal.SIGINT, self.on_signal)

    def on_signal(self, signum, frame):
        print(f"launcher: sending {signal.Signals(signum).name} to {self.proc.pid}", flush=True)
        self.proc.send_signal(signum)
        try:
            self.proc.wait(timeout=KILL_AFTER)
        except subprocess.TimeoutExpired:
            print("launcher: worker does not end, killing it", flush=True)
            self.proc.kill()
        sys.exit(128 + signum)

    def run(self):
        return self.proc.wait()


sys.exit(Launcher([sys.executable, "worker.py"]).run())
