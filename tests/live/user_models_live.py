"""Whole models as users write them (user_models.py) through every format and both ways: Keras saves, Nyala loads,
predicts and saves again, Keras loads that. NYALA_MODELS=all takes every application too (many minutes),
NYALA_MODELS=a,b those of these names; otherwise the examples and the smallest applications."""

import json
import logging
import os
import sys
import tempfile
import warnings

os.environ["KERAS_BACKEND"] = "numpy"

import files_live
import keras
import numpy as np
import user_models
from keras.src import tree

QUICK_APPLICATIONS = 2


def value_of(tensor, rng):
    shape = tuple(4 if i == 0 else size or 6 for i, size in enumerate(tensor.shape))
    if "int" in tensor.dtype:
        return rng.integers(0, 5, shape).astype(tensor.dtype)
    return rng.standard_normal(shape).astype(tensor.dtype)


def outputs_of(model, x):
    inputs = x[0] if isinstance(model, keras.Sequential) else tree.pack_sequence_as(model._inputs_struct, x)
    return [np.asarray(y) for y in tree.flatten(model(inputs, training=False))]


def difference(a, b):
    """The largest difference relative to the largest value; infinite for other shapes or types."""
    if a.shape != b.shape or (a.dtype.kind == "f") != (b.dtype.kind == "f"):
        return np.inf
    a, b = a.astype("float64"), b.astype("float64")
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30)) if b.size else 0.0


def limit_of(name):
    return 5e-3 if name == "mixed_precision" else 1e-5


def configs_differ(a, b):
    a, b = (json.loads(json.dumps(each.get_config(), default=str)) for each in (a, b))
    return "" if a == b else first_difference(a, b, "")


def first_difference(a, b, path):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*b, *a]:
            if key not in a or key not in b:
                return f"{path}.{key} is on one side only"
            if a[key] != b[key]:
                return first_difference(a[key], b[key], f"{path}.{key}")
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (one, other) in enumerate(zip(a, b)):
            if one != other:
                return first_difference(one, other, f"{path}[{i}]")
    return f"{path}: {str(a)[:200]} instead of {str(b)[:200]}"


class Case:
    def __init__(self, name, make, folder):
        keras.utils.clear_session()
        keras.utils.set_random_seed(7)
        self.name, self.base, self.problems = name, os.path.join(folder, name), []
        self.model = make()
        rng = np.random.default_rng(1)
        for weight in self.model.weights:
            if any(part in weight.path for part in ("moving_variance", "gamma")):
                weight.assign(rng.uniform(0.8, 1.2, weight.shape))
            elif any(part in weight.path for part in ("moving_mean", "beta", "bias")):
                weight.assign(rng.normal(size=weight.shape) * 0.1)
        self.x = [value_of(each, rng) for each in self.model.inputs]
        self.expected = outputs_of(self.model, self.x)
        self.model.compile("adam", loss=None)
        self.files = []
        for i, value in enumerate(self.x):
            np.save(f"{self.base}.x{i}.npy", value)
            self.files.append(f"{self.base}.x{i}.npy")
        self.model.save(self.base + ".keras")
        self.model.save_weights(self.base + ".weights.h5")
        self.formats = ["keras"]
        try:
            self.model.save(self.base + ".h5")
            self.formats.append("h5")
        except (TypeError, ValueError):  # Keras' writer of .h5 cannot copy some graphs
            pass

    def add_jobs(self, jobs):
        for kind in self.formats:
            for to in ("keras", "h5"):
                jobs.add("run", f"{self.base}.{kind}", f"{self.base}.from_{kind}.{to}", f"{self.base}.{kind}.y",
                         *self.files)
        jobs.add("weights", f"{self.base}.keras", f"{self.base}.weights.h5", f"{self.base}.again.weights.h5",
                 f"{self.base}.w.y", *self.files)

    def compare(self, label, outputs):
        worst = max((difference(a, b) for a, b in zip(outputs, self.expected)), default=np.inf)
        if len(outputs) != len(self.expected) or not worst <= limit_of(self.name):
            self.problems.append(f"{label}: {len(outputs)} outputs differ by {worst:.2e}")

    def judge(self, answers):
        written = []
        for kind in self.formats:
            for to in ("keras", "h5"):
                answer = next(answers)
                if answer != "ok":
                    self.problems.append(f"{kind} -> {to}: {answer}")
                    continue
                written.append(f"{self.base}.from_{kind}.{to}")
                self.compare(kind, [np.load(f"{self.base}.{kind}.y.{i}.npy") for i in range(len(self.expected))])
        answer = next(answers)
        if answer == "ok":
            written.append(f"{self.base}.again.weights.h5")
        else:
            self.problems.append(f"weights: {answer}")
        legacy = self.keras_reads_its_own_h5()
        for path in written:
            if legacy or not path.endswith(".h5") or path.endswith(".weights.h5"):
                self.reload(path)

    def keras_reads_its_own_h5(self):
        """It does not where the graph holds operations, among others (formats.md 14.2)."""
        try:
            other = keras.saving.load_model(self.base + ".h5", compile=False)
            return all(difference(a, b) <= 1e-5 for a, b in zip(outputs_of(other, self.x), self.expected))
        except Exception:
            return False

    def reload(self, path):
        label = "Keras reads " + os.path.basename(path)
        try:
            if path.endswith(".weights.h5"):
                other = keras.models.clone_model(self.model)
                other.load_weights(path)
            else:
                other = keras.saving.load_model(path, compile=path.endswith(".keras"))
            if not files_live.same_weights(self.model, other):
                self.problems.append(label + ": other weights")
            self.compare(label, outputs_of(other, self.x))
            if path.endswith(".from_keras.keras") and configs_differ(other, self.model):
                self.problems.append(f"{label}: {configs_differ(other, self.model)}")
        except Exception as error:  # whatever Keras says is the finding
            self.problems.append(f"{label}: {type(error).__name__} {str(error)[:300]}")


def main():
    warnings.simplefilter("ignore")
    logging.getLogger("absl").setLevel(logging.ERROR)  # .h5 is an old format, as it says at every save
    asked = os.environ.get("NYALA_MODELS", "")
    applications = list(user_models.applications())
    chosen = [*user_models.examples(), *(applications if asked else applications[:QUICK_APPLICATIONS])]
    if asked not in ("", "all"):
        chosen = [one for one in chosen if one[0] in asked.split(",")]
    failures = 0
    with tempfile.TemporaryDirectory(prefix="nyala_models_") as folder:
        jobs, cases = files_live.Jobs(folder), []
        for name, make in chosen:
            cases.append(Case(name, make, folder))
            cases[-1].add_jobs(jobs)
        answers = iter(jobs.run())
        for case in cases:
            case.judge(answers)
            if case.problems:
                failures += 1
                print(f"{case.name}: " + "; ".join(dict.fromkeys(case.problems)), flush=True)
    print(f"{len(chosen)} models, {failures} failures")
    return 1 if failures or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
