"""Files both ways between the installed Keras and Nyala: every layer, composed models, training that goes on on the
other side. Weights must be bit-identical, outputs within 1e-5, configs equal to Keras' own, losses within 1e-4."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np

# Files are the same under every backend; numpy compiles nothing, but cannot train.
TRAINING = "training" in sys.argv[1:]
os.environ["KERAS_BACKEND"] = "jax" if TRAINING else "numpy"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import keras
import files_models as models

TOOL = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "live", "files_tool")
ONLY = [name for name in sys.argv[1:] if name != "training"]
# Whether Nyala reads a whole model from .keras or .h5, and what it writes from that.
WAYS = [("keras", "keras"), ("keras", "h5"), ("h5", "weights.h5")]
# What Keras itself cannot read back from legacy .h5 (formats.md 14.2, 14.4).
NOT_IN_H5 = {"arithmetic": "operations in a graph", "Attention": "score_mode comes back as a function"}


class Jobs:
    """Lines for the tool, run together; each comes back as "ok" or an error."""

    def __init__(self, folder):
        self.folder, self.lines = folder, []

    def add(self, *words):
        self.lines.append(" ".join(str(word) for word in words))

    def run(self):
        path = os.path.join(self.folder, "jobs.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines) + "\n")
        result = subprocess.run([TOOL, path], capture_output=True, text=True, check=False)
        answers = result.stdout.splitlines()
        if result.returncode != 0 or len(answers) != len(self.lines):
            raise SystemExit(f"the tool ended with {result.returncode} after {len(answers)} of {len(self.lines)}:\n"
                             f"{self.lines[len(answers):len(answers) + 1]}\n{result.stderr[-2000:]}")
        self.lines = []
        return answers


def close(a, b, tolerance=1e-5):
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    largest = max(1.0, np.max(np.abs(b), initial=0))
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance * largest)


def same_weights(a, b):
    return len(a.weights) == len(b.weights) and all(
        np.array_equal(np.asarray(x.value), np.asarray(y.value)) for x, y in zip(a.weights, b.weights))


def outputs_of(model, x):
    outputs = model(x if len(x) > 1 else x[0], training=False)
    return [np.asarray(y) for y in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def check_layers(folder, failures):
    jobs, cases = Jobs(folder), []
    for name, make in [*models.one_layer_each(), *models.composed()]:
        if ONLY and name not in ONLY:
            continue
        keras.utils.clear_session()
        keras.utils.set_random_seed(7)
        model = make()
        rng = np.random.default_rng(1)
        for weight in model.weights:
            if weight.name != "count":
                weight.assign(np.abs(rng.normal(size=weight.shape)) * 0.3 + 0.05)
        model.compile(optimizer="adam", loss=keras.losses.MeanSquaredError())
        x = models.inputs_of(model)
        base = os.path.join(folder, name)
        for i, value in enumerate(x):
            np.save(f"{base}.x{i}.npy", value)
        files = [f"{base}.x{i}.npy" for i in range(len(x))]
        expected = outputs_of(model, x)
        model.save_weights(base + ".weights.h5")
        cases.append((name, make, model, x, expected, base))
        model.save(base + ".keras")
        model.save(base + ".h5")
        for kind, to in WAYS:
            jobs.add("run", f"{base}.{kind}", f"{base}.from_{kind}.{to}", f"{base}.{kind}.y", *files)
        jobs.add("weights", f"{base}.keras", f"{base}.weights.h5", f"{base}.shards.weights.json", f"{base}.w.y", *files)
        jobs.add("weights", f"{base}.keras", f"{base}.h5", "-", f"{base}.l.y", *files)
        jobs.add("weights", f"{base}.keras", f"{base}.shards.weights.json", "-", f"{base}.s.y", *files)
    answers = iter(jobs.run())
    for name, make, model, x, expected, base in cases:
        problems = []
        for kind, to in WAYS:
            answer = next(answers)
            if answer != "ok":
                problems.append(f"{kind} -> {to}: {answer}")
                continue
            for i, value in enumerate(expected):
                if not close(np.load(f"{base}.{kind}.y.{i}.npy"), value):
                    problems.append(f"{kind}: output {i} differs")
            if not (to == "h5" and name in NOT_IN_H5):
                problems += keras_reads(f"{base}.from_{kind}.{to}", model, x, expected, kind)
        for kind in ["w", "l", "s"]:
            answer = next(answers)
            if answer != "ok":
                problems.append(f"weights ({kind}): {answer}")
            elif not close(np.load(f"{base}.{kind}.y.0.npy"), expected[0]):
                problems.append(f"weights ({kind}): output differs")
        if problems:
            failures.append(name)
            print(f"{name}: " + "; ".join(dict.fromkeys(problems)), flush=True)


def keras_reads(path, model, x, expected, kind):
    label = f"{kind} -> {path.rsplit('.from_' + kind + '.', 1)[1]}"
    try:
        if path.endswith(".weights.h5"):
            other = keras.models.clone_model(model)
            other.load_weights(path)
        else:
            other = keras.saving.load_model(path, compile=path.endswith(".keras"))
    except Exception as error:  # whatever Keras says is the finding
        return [f"{label}: Keras: {type(error).__name__} {str(error)[:300]}"]
    problems = []
    if not same_weights(model, other):
        problems.append(f"{label}: weights differ")
    if not all(close(a, b) for a, b in zip(outputs_of(other, x), expected)):
        problems.append(f"{label}: outputs differ")
    if path.endswith(".keras") and kind == "keras":
        mine, theirs = (json.loads(json.dumps(m.get_config(), default=str)) for m in (other, model))
        if mine != theirs:
            problems.append(f"{label}: config differs")
    return problems


def keras_losses(model, steps, x, y):
    losses = []
    for _ in range(steps):
        losses.append(float(model.train_on_batch(x, y)))
        model.reset_metrics()
    return losses


def check_training(folder, failures):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(16, 4)).astype("float32"), rng.normal(size=(16, 2)).astype("float32")
    x_path, y_path = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
    np.save(x_path, x)
    np.save(y_path, y)
    jobs, cases = Jobs(folder), []
    for name, optimizer in models.OPTIMIZERS:
        if ONLY and name not in ONLY:
            continue
        model = models.trained(optimizer())
        base = os.path.join(folder, "train" + name)
        model.save(base + ".start.keras")
        keras_losses(model, 5, x, y)
        model.save(base + ".keras")
        kinds = ["keras"]
        if name not in ("Adafactor",):  # Keras gives several slots one name and fails
            model.save(base + ".h5")
            kinds.append("h5")
        cases.append((name, base, kinds, keras_losses(model, 10, x, y)))
        for kind in kinds:
            jobs.add("train", f"{base}.{kind}", f"{base}.after.{kind}", 10, f"{base}.{kind}.losses", x_path, y_path)
        jobs.add("train", f"{base}.start.keras", f"{base}.five.keras", 5, f"{base}.five.losses", x_path, y_path)
    answers = iter(jobs.run())
    for name, base, kinds, expected in cases:
        problems = []
        for kind in kinds:
            answer = next(answers)
            if answer != "ok":
                problems.append(f"{kind}: {answer}")
            elif not close(np.loadtxt(f"{base}.{kind}.losses"), expected, 1e-4):
                problems.append(f"{kind}: losses {np.loadtxt(f'{base}.{kind}.losses')} instead of {expected}")
        answer = next(answers)
        if answer != "ok":
            problems.append(f"five steps: {answer}")
        else:
            losses = keras_losses(keras.saving.load_model(base + ".five.keras"), 10, x, y)
            if not close(losses, expected, 1e-4):
                problems.append(f"Keras went on with {losses} instead of {expected}")
        if problems:
            failures.append(name)
            print(f"training {name}: " + "; ".join(problems), flush=True)


def main():
    failures = []
    with tempfile.TemporaryDirectory(prefix="nyala_files_") as folder:
        (check_training if TRAINING else check_layers)(folder, failures)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
