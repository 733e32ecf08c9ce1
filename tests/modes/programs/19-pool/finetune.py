import concurrent.futures
import os
import pickle
import time


def shard(n):
    time.sleep(0.2)
    return sum(i % (n + 2) for i in range(10000))


def main():
    out = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
    os.makedirs(out, exist_ok=True)
    results = []
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(abs, range(4)))
        print("pool ready", flush=True)
        for step, r in enumerate(pool.map(shard, range(17)), 1):
            results.append(r)
            print(f"step {step} loss {1 / (1 + r / 10000):.4f}", flush=True)
    with open(os.path.join(out, "finetuned.pkl.tmp"), "wb") as f:
        pickle.dump(results, f)
    os.rename(os.path.join(out, "finetuned.pkl.tmp"), os.path.join(out, "finetuned.pkl"))
    print("fine-tuning finished", flush=True)


if __name__ == "__main__":
    main()
