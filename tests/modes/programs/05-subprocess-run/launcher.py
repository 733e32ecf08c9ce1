import os
import subprocess
import sys


def main():
    env = dict(os.environ)
    env.setdefault("PYTHONUNBUFFERED", "1")
    env["WORLD_SIZE"] = "1"
    env["RANK"] = "0"
    cmd = [sys.executable, "train.py", *sys.argv[1:]]
    print("launching:", " ".join(cmd), flush=True)
    subprocess.run(cmd, env=env, check=True)
    print("training job finished", flush=True)


if __name__ == "__main__":
    main()
