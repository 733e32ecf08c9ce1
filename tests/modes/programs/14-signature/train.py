import logging
import os
import pathlib
import signal
import sys
import time

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s: %(message)s")
logger = logging.getLogger("trainer")


class Job:
    def __init__(self):
        self.dir = pathlib.Path(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints"))
        self.dir.mkdir(parents=True, exist_ok=True)
        self.running = True
        self.step = 0
        signal.signal(signal.SIGTERM, self.shutdown)

    def shutdown(self):
        logger.info("shutting down")
        self.running = False

    def save(self):
        tmp = self.dir / "job.tmp"
        tmp.write_text(str(self.step))
        tmp.rename(self.dir / "job.txt")

    def run(self):
        logger.info("ready")
        while self.running and self.step < 2000:
            time.sleep(0.1)
            self.step += 1
            logger.info("step %d loss %.4f", self.step, 2 / (1 + self.step))
        self.save()


Job().run()
