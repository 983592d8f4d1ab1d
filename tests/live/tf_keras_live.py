"""Models of tf_keras (TensorFlow's Keras 2) through each of its file formats: Nyala predicts the same within 1e-5 and
trains on with the same losses within 1e-4; tf_keras reads the weights that Nyala writes."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from older_keras_live import installed

VERSIONS = {"tensorflow-cpu": "2.18.1", "keras": "3.15.1", "tf_keras": "2.18.0"}
HERE = os.path.dirname(os.path.abspath(__file__))
FORMATS = ("keras", "h5", "weights.h5")


def close(a, b, limit):
    scale = max(1.0, float(np.max(np.abs(b), initial=0)))
    return a.shape == b.shape and bool(np.all(np.abs(a.astype("float64") - b) <= limit * scale))


def main():
    packages = installed("tf_keras", [f"{name}=={version}" for name, version in VERSIONS.items()])
    # Without -B: TensorFlow is large, and compiled once.
    tf_keras = [sys.executable, "-W", "ignore", os.path.join(HERE, "tf_keras_models.py")]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = packages
    tool = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "live", "files_tool")
    failures, checks = [], 0
    with tempfile.TemporaryDirectory(prefix="nyala_tf_keras_") as folder:
        subprocess.run([*tf_keras, "write", folder], env=environment, stderr=subprocess.DEVNULL, check=True)
        with open(os.path.join(folder, "told.json"), encoding="utf-8") as file:
            told = json.load(file)
        jobs = []
        for name, fact in told.items():
            base = os.path.join(folder, name)
            x = [f"{base}.x{i}.npy" for i in range(fact["inputs"])]
            for suffix in FORMATS:
                source = ["weights", f"{base}.h5", f"{base}.weights.h5"] if suffix == "weights.h5" else [
                    "run", f"{base}.{suffix}"]
                jobs.append((name, suffix, [*source, f"{base}.again.{suffix}", f"{base}.{suffix}.found", *x]))
                if "losses" in fact and suffix != "weights.h5":
                    jobs.append((name, suffix, ["train", f"{base}.{suffix}", "-", len(fact["losses"]),
                                                f"{base}.{suffix}.losses", x[0], f"{base}.t.npy"]))
        path = os.path.join(folder, "jobs.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(" ".join(map(str, job)) + "\n" for _, _, job in jobs)
        run = subprocess.run([tool, path], capture_output=True, text=True, check=False)
        answers = run.stdout.splitlines()
        print(run.stderr, end="")
        for (name, suffix, job), answer in zip(jobs, answers + ["the program ended before it"] * len(jobs)):
            checks += 1
            base = os.path.join(folder, name)
            if answer != "ok":
                failures.append(f"{name} .{suffix}: {answer}")
            elif job[0] == "train":
                found = np.loadtxt(f"{base}.{suffix}.losses")
                if not np.allclose(found, told[name]["losses"], rtol=1e-4):
                    failures.append(f"{name} .{suffix}: losses {found} instead of {told[name]['losses']}")
            else:
                for i in range(told[name]["outputs"]):
                    if not close(np.load(f"{base}.{suffix}.found.{i}.npy"), np.load(f"{base}.y{i}.npy"), 1e-5):
                        failures.append(f"{name} .{suffix}: output {i} differs")
        reads = subprocess.run([*tf_keras, "read", folder], env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, check=False)
        checks += len(told) * len(FORMATS)
        failures += reads.stdout.splitlines()
        if reads.returncode != 0 and not reads.stdout:
            failures.append("tf_keras_models.py read failed")
    for failure in failures:
        print(failure)
    print(f"tf_keras {VERSIONS['tf_keras']}: {len(told)} models, {checks} checks, {len(failures)} failures")
    return 1 if failures or not told else 0


if __name__ == "__main__":
    sys.exit(main())
