import asyncio
import os
import signal
import sys


async def run_worker(rank):
    env = dict(os.environ, RANK=str(rank))
    proc = await asyncio.create_subprocess_exec(sys.executable, "-u", "worker.py", env=env)
    return await proc.wait()


async def main():
    loop = asyncio.get_running_loop()
    workers = asyncio.gather(*(run_worker(r) for r in range(2)))
    loop.add_signal_handler(signal.SIGTERM, workers.cancel)
    try:
        codes = await workers
    except asyncio.CancelledError:
        print("manager: cancelled", flush=True)
        os._exit(0)
    return max(codes)


sys.exit(asyncio.run(main()))
