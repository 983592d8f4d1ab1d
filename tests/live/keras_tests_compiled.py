"""By hand: losses, metrics, optimizers, regularizers, constraints and initializers as Keras' own tests make and call
them, each in a small compiled model of files that Nyala evaluates and trains, and saves again for Keras to do the same.

usage: python keras_tests_compiled.py FOLDER [PATTERN]    compares, with NYALA_BUILD_DIR set (`ninja keras_tests_tool`)
and before it, in a checkout of Keras' sources of the installed version, with tensorflow as the backend (which compiles
nothing), as a plugin that records:
  NYALA_RECORD=FOLDER PYTHONPATH=/path/to/nyala/tests/live:. python -m pytest -p keras_tests_compiled \
  keras/src/{losses,metrics,optimizers,regularizers,constraints,initializers}"""

import collections
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
from keras import layers as L

RECORDING = os.environ.get("NYALA_RECORD", "")
STEPS = 3
seen, state = set(), {"busy": False, "test": ""}


def numbers(x):
    x = np.array(keras.ops.convert_to_numpy(x))
    return x.astype("float32") if x.dtype.name in ("bfloat16", "float64") else x


def batch(model, data, steps):
    """What a batch evaluates to, and what each step of training on it says."""
    x, y, weight = (data.get(name) for name in "xyw")
    model.reset_metrics()
    told = [model.test_on_batch(x, y, weight, return_dict=True)]
    for _ in range(steps):
        model.reset_metrics()
        told.append(model.train_on_batch(x, y, weight, return_dict=True))
    model.reset_metrics()
    return [{name: np.asarray(value, "float64").tolist() for name, value in logs.items()} for logs in told]


def load(path):
    model = keras.saving.load_model(path)
    model.run_eagerly = True
    if path.endswith(".h5") and model.optimizer is not None:
        # Keras builds it over no variables; the state in the file is complete.
        import h5py
        model.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        model.optimizer.build(model.trainable_variables)
        with h5py.File(path) as file:
            group = file.get("optimizer_weights")
            names = [] if group is None else [str(name) for name in group.attrs["weight_names"]]
            if len(names) == len(model.optimizer.variables):
                for variable, name in zip(model.optimizer.variables, names):
                    variable.assign(group[name][()])
    return model


def write(kind, object_, make, data, steps, before=0):
    """The model's files, its data, and what Keras says of the files it has read itself."""
    text = json.dumps(keras.saving.serialize_keras_object(object_), sort_keys=True, default=str)
    shapes = [(value.shape, str(value.dtype), round(float(np.sum(value)), 4)) for value in data.values()]
    digest = hashlib.md5(repr((text, shapes)).encode()).hexdigest()[:8]
    name = f"{type(object_).__name__}_{digest}"
    if name in seen:
        return
    seen.add(name)
    folder = os.path.join(RECORDING, name)
    os.makedirs(folder, exist_ok=True)
    keras.utils.set_random_seed(1)
    model = make()
    for _ in range(before):
        model.train_on_batch(data["x"], data["y"])
    for key, value in data.items():
        np.save(f"{folder}/{key}.npy", value)
    told = {}
    for suffix in ("keras", "h5"):
        path = f"{folder}/model.{suffix}"
        try:
            model.save(path)
        except Exception as error:
            told[suffix] = "!save " + str(error)[:200]
            continue
        try:
            told[suffix] = batch(load(path), data, steps)
        except Exception as error:
            told[suffix] = "!load " + str(error)[:200]
    truth = batch(model, data, steps)
    for i, weight in enumerate(model.weights):
        np.save(f"{folder}/w{i}.npy", numbers(weight.value))
    with open(os.path.join(RECORDING, "index.jsonl"), "a", encoding="utf-8") as index:
        print(json.dumps({"name": name, "kind": kind, "test": state["test"], "steps": steps, "told": truth,
                          "files": told, "data": "".join(data), "weights": len(model.weights), "object": text}),
              file=index)


def with_data(kind, object_, y_true, y_pred, sample_weight):
    y_true, y_pred = numbers(y_true), numbers(y_pred)
    if y_pred.ndim < 2 or "float" not in y_pred.dtype.name or not y_true.ndim or len(y_true) != len(y_pred):
        y_pred = y_pred.astype("float32")
        if y_pred.ndim == 1:  # one number of each sample
            y_pred = y_pred[:, None]
            y_true = y_true[:, None] if y_true.ndim == 1 else y_true
    data = {"x": y_pred, "y": y_true}
    if sample_weight is not None and np.ndim(sample_weight):
        data["w"] = numbers(sample_weight).astype("float32")
    config = keras.saving.serialize_keras_object(object_)

    def make():
        again = keras.saving.deserialize_keras_object(config)
        model = keras.Sequential([keras.Input(y_pred.shape[1:]), L.Dense(y_pred.shape[-1], use_bias=False,
                                                                        kernel_initializer="identity")])
        # Keras evaluates nothing without a loss.
        beside = keras.losses.MeanSquaredError() if y_true.shape == y_pred.shape else "sparse_categorical_crossentropy"
        role = {"loss": again} if kind == "loss" else {"loss": beside,
                                                       "weighted_metrics" if "w" in data else "metrics": [again]}
        model.compile(keras.optimizers.SGD(0.01), run_eagerly=True, **role)
        return model
    write(kind, object_, make, data, STEPS if kind == "loss" else 0)


def alone(kind, object_):
    rng = np.random.default_rng(5)
    data = {"x": rng.normal(size=(8, 4)).astype("float32"), "y": rng.normal(size=(8, 3)).astype("float32")}
    config = keras.saving.serialize_keras_object(object_)

    def make():
        again = keras.saving.deserialize_keras_object(config)
        role = {} if kind == "optimizer" else {"kernel_" + kind: again}
        model = keras.Sequential([keras.Input((4,)), L.Dense(6, activation="tanh", **role),
                                  L.BatchNormalization(), L.Dense(3)])
        model.compile(again if kind == "optimizer" else keras.optimizers.SGD(0.1, momentum=0.9),
                      keras.losses.MeanSquaredError(), run_eagerly=True)
        return model
    write(kind, object_, make, data, STEPS, before=2)


@contextlib.contextmanager
def inside():
    state["busy"] = True
    try:
        yield
    except Exception as error:
        with open(os.path.join(RECORDING, "log.txt"), "a", encoding="utf-8") as log:
            print(state["test"], type(error).__name__, str(error).replace("\n", " ")[:200], file=log)
    finally:
        state["busy"] = False


def watch(cls, method, record):
    """After each call of the method on an object of Keras' own classes, it is recorded."""
    original = getattr(cls, method)

    def called(self, *args, **kwargs):
        outermost = not state["busy"] and state["test"]
        result = original(self, *args, **kwargs)
        if outermost and type(self).__module__.startswith("keras.src.") and "_test" not in type(self).__module__:
            with inside():
                record(self, *args, **kwargs)
        return result
    setattr(cls, method, called)


def all_kinds(cls):
    return [cls] + [deeper for one in cls.__subclasses__() for deeper in all_kinds(one)]


if RECORDING:
    import pytest
    os.makedirs(RECORDING, exist_ok=True)
    for one in set(all_kinds(keras.Loss)):
        if "__call__" in vars(one):
            watch(one, "__call__", lambda self, y_true, y_pred, sample_weight=None:
                  with_data("loss", self, y_true, y_pred, sample_weight))
    for one in set(all_kinds(keras.Metric)):
        if "update_state" in vars(one):
            watch(one, "update_state", lambda self, y_true, y_pred=None, sample_weight=None: None if y_pred is None or
                  isinstance(self, keras.metrics.Mean) and not hasattr(self, "_fn") else
                  with_data("metric", self, y_true, y_pred, sample_weight))
    for one in set(all_kinds(keras.Optimizer)):
        if "apply" in vars(one):
            watch(one, "apply", lambda self, *_, **__: alone("optimizer", self))
    for kind, base in (("regularizer", keras.Regularizer), ("constraint", keras.constraints.Constraint),
                       ("initializer", keras.Initializer)):
        for one in set(all_kinds(base)):
            if "__call__" in vars(one):
                watch(one, "__call__", lambda self, *_, kind=kind, **__: alone(kind, self))
    # What makes one of them from its config is watched too: a test of the config alone calls nothing.
    from keras.src.testing import test_case
    original_check = test_case.TestCase.run_class_serialization_test

    def check(self, instance, custom_objects=None):
        result = original_check(self, instance, custom_objects)
        for kind, base in (("optimizer", keras.Optimizer), ("regularizer", keras.Regularizer),
                           ("constraint", keras.constraints.Constraint), ("initializer", keras.Initializer)):
            if isinstance(instance, base) and type(instance).__module__.startswith("keras.src."):
                with inside():
                    alone(kind, instance)
        return result
    test_case.TestCase.run_class_serialization_test = check

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(item):
        state["test"] = item.nodeid
        yield
        state["test"] = ""


def differs(got, expected):
    for step, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        if set(mine) != set(theirs):
            return f"step {step}: names {sorted(mine)} for {sorted(theirs)}"
        for name, value in theirs.items():
            if not np.allclose(np.asarray(mine[name], "float64"), value, rtol=2e-4, atol=1e-5, equal_nan=True):
                return f"step {step}: {name} {mine[name]} for {value}"
    return ""


def main():
    warnings.simplefilter("ignore")
    folder, pattern = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    with open(os.path.join(folder, "index.jsonl"), encoding="utf-8") as lines:
        entries = [entry for entry in map(json.loads, lines) if re.search(pattern, entry["name"])]
    cases = []
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        for entry in entries:
            for suffix, told in entry["files"].items():
                if not str(told).startswith("!save"):
                    cases.append((entry, suffix, told))
                    print(os.path.join(folder, entry["name"]), suffix, entry["data"], entry["steps"],
                          entry["weights"], file=file)
    tool = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "live", "keras_tests_tool")
    run = subprocess.run([tool, "compiled", file.name], capture_output=True, text=True, errors="replace", check=False)
    os.unlink(file.name)
    answers = run.stdout.splitlines()
    if len(answers) != len(cases):
        print(f"the tool ended with {run.returncode} at {cases[len(answers) - 1][0]['name']}: {run.stderr[-500:]}")
    failures = []
    for (entry, suffix, told), answer in zip(cases, answers):
        refused = str(told).startswith("!")
        if not answer.startswith("["):
            wrong = answer
        else:
            answer = json.loads(re.sub(r"\bnan\b", "NaN", re.sub(r"\binf\b", "Infinity", answer)))
            wrong = differs(answer[:-1], entry["told"]) or answer[-1]
        if not wrong and not refused:
            data = {name: np.load(f"{folder}/{entry['name']}/{name}.npy") for name in entry["data"]}
            try:
                wrong = differs(batch(load(f"{folder}/{entry['name']}/again.{suffix}"), data, entry["steps"]), told)
            except Exception as error:
                wrong = str(error).replace("\n", " ")[:200]
            wrong = wrong and "again: " + wrong
        if wrong:
            failures.append((entry, suffix, wrong, refused))
    groups = collections.defaultdict(list)
    for one in failures:
        groups[one[0]["name"].rsplit("_", 1)[0], re.sub(r'[-+\d.e]+|"[^"]*"', "#", one[2])[:60]].append(one)
    for _, group in sorted(groups.items()):
        entry, suffix, wrong, refused = group[0]
        print(f"{len(group):4d} {entry['name']} .{suffix}{' (Keras cannot)' if refused else ''} "
              f"[{entry['test'].split('::')[-1]}] {wrong[:240]}")
    print(f"{len(entries)} models, {len(cases)} files, {len(failures)} failures in {len(groups)} groups")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
