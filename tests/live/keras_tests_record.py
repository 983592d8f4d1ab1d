"""pytest plugin: every layer, operation and model that Keras' own tests call becomes a file with what it computes.
See keras_tests.py, which compares Nyala with them.

usage, in a checkout of Keras' sources of the installed version:
  NYALA_RECORD=/tmp/record NYALA_RECORD_WHAT=layers,operations,models KERAS_BACKEND=jax \
  PYTHONPATH=/path/to/nyala/tests/live:. python -m pytest -p keras_tests_record keras/src/layers"""

import collections
import functools
import hashlib
import importlib
import inspect
import json
import os
import re
import sys
import threading
import zlib

import keras
import numpy as np
import pytest
from keras.src import backend, ops, tree
from keras.src.backend.common import global_state
from keras.src.backend.common.keras_tensor import KerasTensor
from keras.src.layers.layer import Layer
from keras.src.models.functional import Functional
from keras.src.models.model import Model
from keras.src.models.sequential import Sequential
from keras.src.ops.operation import Operation
from keras.src.testing import test_case

FOLDER = os.environ["NYALA_RECORD"]
WHAT = os.environ.get("NYALA_RECORD_WHAT", "layers,operations,models").split(",")
PER_TEST, LARGEST = 60, 2_000_000  # recordings of one test; numbers in one recording
LAYER_TESTS = ("/layers/", "/quantizers/", "/regularizers/", "/constraints/", "/initializers/", "/dtype_policies/",
               "/saving/", "/models/")
os.makedirs(FOLDER, exist_ok=True)
INDEX = open(os.path.join(FOLDER, "index.jsonl"), "a", encoding="utf-8")
LOG = open(os.path.join(FOLDER, "log.txt"), "a", encoding="utf-8")
seen, depth, test = set(), threading.local(), {"name": "", "models": [], "count": 0}


def busy():
    return getattr(depth, "value", 0) > 0 or not test["name"]


class Inside:
    """What is called meanwhile is not recorded."""

    def __enter__(self):
        depth.value = getattr(depth, "value", 0) + 1

    def __exit__(self, *_):
        depth.value -= 1


class NewNames:
    """Layers are named as in a fresh program."""

    def __enter__(self):
        self.old = global_state.get_global_attribute("object_name_uids")
        global_state.set_global_attribute("object_name_uids", collections.defaultdict(int))

    def __exit__(self, *_):
        global_state.set_global_attribute("object_name_uids", self.old)


def note(name, error):
    print(name, test["name"], type(error).__name__, str(error).replace("\n", " ")[:200], file=LOG, flush=True)


def is_array(x):
    return isinstance(x, (np.ndarray, KerasTensor)) or backend.is_tensor(x) and not isinstance(x, keras.Variable)


def kind_of(x):
    return tuple(x.shape), backend.standardize_dtype(x.dtype)


def numbers(x):
    x = np.array(x if isinstance(x, np.ndarray) else backend.convert_to_numpy(x), copy=True, subok=False)
    return x.astype("float32") if x.dtype.name == "bfloat16" else x


def drawn(rng, shape, dtype):
    shape = tuple(2 if size is None else size for size in shape)
    if dtype == "bool":
        return rng.random(shape) > 0.4
    if "int" in dtype:
        return rng.integers(0, 4, shape).astype(dtype)
    if "float" not in dtype:
        raise ValueError("no values of dtype " + dtype)
    values = rng.standard_normal(shape).astype("float32")
    return numbers(backend.cast(values, dtype)) if dtype == "bfloat16" else values.astype(dtype)


def key_of(values):
    return repr([f"A{kind_of(x)}" if is_array(x) else type(x).__name__ if isinstance(x, Layer) else repr(x)[:200]
                 for x in tree.flatten(values)])


def symbolic(args, kwargs, only_first):
    """The arguments with Inputs for arrays (or for the first alone), the Inputs and their values."""
    rng, inputs, values, same = np.random.default_rng(7), [], [], {}

    def one(x):
        if not is_array(x):
            return x
        if id(x) not in same:
            given = not isinstance(x, KerasTensor)
            if only_first and inputs and given:
                return numbers(x)
            if not given and getattr(x, "sparse", False):
                raise ValueError("sparse")
            shape, dtype = kind_of(x)
            same[id(x)] = keras.Input(batch_shape=shape, dtype=dtype)
            inputs.append(same[id(x)])
            values.append(numbers(x) if given else drawn(rng, shape, dtype))
        return same[id(x)]

    args, kwargs = tree.map_structure(one, (args, kwargs))
    return args, kwargs, inputs, values


def called(model, values):
    functional = model if hasattr(model, "_inputs_struct") else model._functional
    return tree.flatten(model(tree.pack_sequence_as(functional._inputs_struct, values), training=False))


def format_of(suffix, folder, model, values, outputs):
    """The suffix if Keras itself reads the file it writes; with "!" and what fails, if not; None without a file."""
    path = f"{folder}/model.{suffix}"
    try:
        if suffix == "weights.h5":
            if not model.weights:
                return None
            model.save_weights(path)
            again = keras.models.model_from_json(model.to_json())
            again.load_weights(path)
        else:
            model.save(path)
            again = keras.models.load_model(path, compile=False)
    except Exception as error:
        note(path, error)
        return suffix + "!load" if os.path.exists(path) else None
    try:
        same = [np.allclose(numbers(a).astype("float64"), b.astype("float64"), atol=1e-4, rtol=1e-4, equal_nan=True)
                for a, b in zip(called(again, values), outputs, strict=True)]
    except Exception:
        return suffix + "!call"
    return suffix if all(same) else suffix + "!values"


def write(name, model, values, kind, random=False):
    outputs = [numbers(output) for output in called(model, values)]
    if sum(x.size for x in values + outputs) + sum(int(np.prod(w.shape)) for w in model.weights) > LARGEST:
        return
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder, exist_ok=True)
    for what, arrays in (("in", values), ("out", outputs), ("w", [numbers(w.value) for w in model.weights])):
        for i, array in enumerate(arrays):
            np.save(f"{folder}/{what}{i}.npy", array)
    suffixes = ("keras",) if kind == "operation" else ("keras", "h5", "weights.h5")
    formats = [format_of(suffix, folder, model, values, outputs) for suffix in suffixes]
    with open(f"{folder}/model.json", "w", encoding="utf-8") as file:
        file.write(model.to_json())
    entry = {"name": name, "test": test["name"], "inputs": len(values), "outputs": len(outputs),
             "weights": len(model.weights), "formats": [form for form in formats if form], "random": random,
             "in_dtypes": [kind_of(x)[1] for x in tree.flatten(model.inputs)],
             "dtypes": [kind_of(x)[1] for x in tree.flatten(model.outputs)],
             # A file that leaves data_format out means the reader's own setting.
             "data_format": keras.config.image_data_format()}
    print(json.dumps(entry), file=INDEX, flush=True)


def set_weights(old, new, name):
    """The layer's weights where they fit, and random numbers for all that learn."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if [x.shape for x in old.variables] == [x.shape for x in new.variables]:
        for x, y in zip(old.variables, new.variables):
            if "seed" not in x.path:
                y.assign(x.value)
    for weight in new.trainable_variables:
        if "float" in weight.dtype:
            positive = any(part in weight.path for part in ("variance", "stddev", "gamma", "scale"))
            weight.assign(rng.uniform(0.5, 1.5, weight.shape) if positive else
                          rng.standard_normal(weight.shape) * 0.5)


def record(label, config, make, args, kwargs, layer=None):
    arrays = [x for x in tree.flatten((args, kwargs)) if is_array(x)]
    key = (label, config, key_of((args, kwargs)))
    if not arrays or key in seen or test["count"] >= PER_TEST:
        return
    seen.add(key)
    test["count"] += 1
    constants = layer is None and len(arrays) > 1 and not any(isinstance(x, KerasTensor) for x in arrays)
    for only_first in (False, True) if constants else (False,):
        name = f"{label}_{hashlib.md5(repr((key, only_first)).encode()).hexdigest()[:8]}"
        try:
            with NewNames():
                args_too, kwargs_too, inputs, values = symbolic(args, kwargs, only_first)
                called_object = make()
                result = called_object(*args_too, **kwargs_too)
                model = keras.Model(inputs, [x for x in tree.flatten(result) if isinstance(x, KerasTensor)])
                random = False
                if layer is not None:
                    set_weights(layer, called_object, name)
                    seeded = any(getattr(x, "_seed_generators", []) for x in called_object._flatten_layers(True, True))
                    random = seeded and kwargs.get("training") is True
                write(name, model, values, "operation" if layer is None else "layer", random)
        except Exception as error:
            note(name, error)


def layer_call(self, *args, **kwargs):
    wanted = not busy() and "layers" in WHAT and any(part in test["name"] for part in LAYER_TESTS) and \
        not isinstance(self, Model) and type(self).__module__.startswith("keras.src.")
    if not wanted:
        return original_layer_call(self, *args, **kwargs)
    with Inside():
        result = original_layer_call(self, *args, **kwargs)
        try:
            config = self.get_config()
            config.pop("name", None)
            text = re.sub(r'"name": "[^"]*"', "", json.dumps(config, sort_keys=True, default=str))
            record(type(self).__name__, text, lambda: type(self).from_config(dict(config)), args, kwargs, self)
        except Exception as error:
            note(type(self).__name__, error)
    return result


def recorded(name, function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if busy() or not any(part in test["name"] for part in ("/ops/", "/activations/")):
            return function(*args, **kwargs)
        with Inside():
            result = function(*args, **kwargs)
            record(name, "", lambda: function, args, kwargs)
        return result
    return wrapper


def replace_functions():
    table = {}
    for part in ("core", "einops", "image", "linalg", "math", "nn", "numpy"):
        module = importlib.import_module("keras.src.ops." + part)
        for name, value in list(vars(module).items()):
            if inspect.isfunction(value) and hasattr(value, "_api_export_path"):
                table[value] = recorded(name, value)
                setattr(module, name, table[value])
    for module in [ops] + [module for name, module in list(sys.modules.items()) if name.startswith("keras.ops")]:
        for name, value in list(vars(module).items()):
            if inspect.isfunction(value) and value in table:
                setattr(module, name, table[value])


def watch_models(cls):
    original = cls.__init__

    @functools.wraps(original)
    def init(self, *args, **kwargs):
        original(self, *args, **kwargs)
        if not busy() and type(self) in (Functional, Sequential, Model) and \
                not any(model is self for model in test["models"]):
            test["models"].append(self)
    cls.__init__ = init


def record_models():
    for model in test["models"][:30]:
        try:
            if not model.built or not model.inputs:
                continue
            text = re.sub(r'"name": "[^"]*"', "", model.to_json())
            digest = hashlib.md5(text.encode()).hexdigest()
            if digest in seen:
                continue
            seen.add(digest)
            rng = np.random.default_rng(3)
            values = [drawn(rng, *kind_of(x)) for x in tree.flatten(model.inputs)]
            part = os.path.basename(test["name"].split("::")[0]).removesuffix("_test.py")
            write(f"model_{part}_{digest[:8]}", model, values, "model")
        except Exception as error:
            note("model", error)


def call_only(_, layer_cls, init_kwargs, input_shape=None, input_dtype=None, input_sparse=False, input_ragged=False,
              input_data=None, call_kwargs=None, **__):
    """Stands for run_layer_test, whose own checks would take hours."""
    if input_sparse or input_ragged or input_shape is None and input_data is None:
        return
    if input_data is None:
        dtype = input_dtype or tree.map_shape_structure(lambda _: "float32", input_shape)
        input_data = test_case.create_eager_tensors(input_shape, dtype, False, False)
    for policy in ({}, {"dtype": "mixed_float16"}):
        layer = layer_cls(**{**init_kwargs, **policy})
        if isinstance(input_data, dict):
            layer(**input_data, **(call_kwargs or {}))
        else:
            layer(input_data, **(call_kwargs or {}))


original_layer_call = Layer.__call__
Layer.__call__ = layer_call
test_case.TestCase.run_layer_test = call_only
if "operations" in WHAT:
    original_operation_call = Operation.__call__

    def operation_call(self, *args, **kwargs):
        if isinstance(self, Layer) or busy() or "/ops/" not in test["name"]:
            return original_operation_call(self, *args, **kwargs)
        with Inside():
            result = original_operation_call(self, *args, **kwargs)
            try:
                config = {key: value for key, value in self.get_config().items() if key != "name"}
                record(type(self).__name__, repr(sorted(config.items())),
                       lambda: type(self).from_config(dict(config)), args, kwargs)
            except Exception as error:
                note(type(self).__name__, error)
        return result

    Operation.__call__ = operation_call
    replace_functions()
if "models" in WHAT:
    watch_models(Functional)
    watch_models(Sequential)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    test.update(name=item.nodeid, models=[], count=0)
    depth.value = 0
    yield
    with Inside():
        record_models()
    test.update(name="", models=[])
