import json
import os
import sys


def main(path, step, loss):
    state = {"step": int(step), "loss": float(loss)}
    with open(path + ".tmp", "w") as f:
        json.dump(state, f)
    os.replace(path + ".tmp", path)


main(*sys.argv[1:])
