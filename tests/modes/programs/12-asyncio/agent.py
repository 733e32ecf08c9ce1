import asyncio
import signal
import sys


async def stop_process(proc, patience=0.9):
    proc.terminate()
    try:
        await asyncio.wait_for(proc.wait(), patience)
    except asyncio.TimeoutError:
        print("agent: worker is not down yet, killing", flush=True)
        proc.kill()
        await proc.wait()


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    proc = await asyncio.create_subprocess_exec(sys.executable, "worker.py")
    ended = asyncio.create_task(proc.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        await stop_process(proc)
    stopped.cancel()
    return proc.returncode or 0


code = asyncio.run(main())
sys.exit(code if code >= 0 else 128 - code)
