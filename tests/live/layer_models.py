"""Builds a Keras model around each entry of layer_cases.json: {class: [[config, arguments, keyword arguments], ...]}.

The entries are the layer configurations that Keras' own tests call, noted while they ran; what a config
leaves out is the class' default. Weights and inputs are random, from a seed per entry."""

import json
import os
import zlib

import keras
import numpy as np
from keras.src import tree
from keras.src.saving import serialization_lib


def read_cases():
    with open(os.path.join(os.path.dirname(__file__), "layer_cases.json"), encoding="utf-8") as file:
        table = json.load(file)
    for class_name, entries in table.items():
        for number, entry in enumerate(entries):
            yield f"{class_name}.{number}", class_name, entry


def _features(value, prefix):
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _features(each, f"{prefix}/{key}")
    elif isinstance(value, list):
        yield f"{prefix} list of {len(value)}"
    else:
        yield f"{prefix} = {value}" if isinstance(value, (bool, str, type(None))) else f"{prefix} = {value > 1}"


def _leaves(spec):
    if isinstance(spec, dict) and "shape" in spec:
        yield spec
    elif isinstance(spec, (dict, list)):
        for each in spec.values() if isinstance(spec, dict) else spec:
            yield from _leaves(each)


def short_choice(cases):
    """Of each class the entries that show an option, a call argument or a rank that no earlier one shows."""
    shown = set()
    for name, class_name, entry in cases:
        features = set(_features(entry[0], class_name))
        for spec in _leaves(entry[1:]):
            features.add(f"{class_name} {len(spec['shape'])} axes of {spec.get('dtype', 'float32')}")
        features |= {f"{class_name}({key})" for key in (entry + [{}])[2]}
        if features - shown or not entry[0]:
            shown |= features
            yield name, class_name, entry


def _value(rng, spec):
    shape = [5 if size is None else size for size in spec["shape"]]
    dtype = spec.get("dtype", "float32")
    if "data" in spec:
        return np.array(spec["data"], dtype).reshape(shape)
    if dtype == "bool":
        return rng.random(shape) > 0.3
    if "max" in spec or "int" in dtype:
        return rng.integers(0, spec.get("max", 1) + 1, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


class LayerModel:
    def __init__(self, name, class_name, entry):
        config, arguments, keywords = (entry + [{}])[:3]
        self.name = name
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.stateful = '"stateful": true' in json.dumps(config)
        keras.backend.clear_session(free_memory=False)
        self.layer = serialization_lib.deserialize_keras_object(
            {"module": "keras.layers", "class_name": class_name, "config": json.loads(json.dumps(config)),
             "registered_name": None})
        self.tensors, self.inputs = [], []
        arguments = [self._make(each) for each in arguments]
        keywords = {key: self._make(each) for key, each in keywords.items()}
        outputs = tree.flatten(self.layer(*arguments, **keywords))
        self.model = keras.Model(self.tensors, outputs)
        for weight in self.layer.weights:
            self._randomise(weight)
        self.forget_states(self.model)
        self.outputs = self.predict(self.model)

    def _make(self, spec):
        if "value" in spec:
            return spec["value"]
        if "list" in spec:
            return [self._make(each) for each in spec["list"]]
        if "dict" in spec:
            return {key: self._make(each) for key, each in spec["dict"].items()}
        shape = list(spec["shape"])
        if shape and not self.stateful:
            shape[0] = None
        self.tensors.append(keras.Input(batch_shape=tuple(shape), dtype=spec.get("dtype", "float32")))
        self.inputs.append(_value(self.rng, spec))
        return self.tensors[-1]

    def _randomise(self, weight):
        if "float" not in weight.dtype:
            return
        positive = any(part in weight.path for part in ("variance", "stddev", "gamma", "scale"))
        value = self.rng.uniform(0.5, 1.5, weight.shape) if positive else self.rng.standard_normal(weight.shape) * 0.5
        weight.assign(value.astype("float32"))

    def predict(self, model):
        outputs = tree.flatten(model(self.inputs, training=False))
        # The numpy backend divides whole numbers in float64, whatever the graph says.
        outputs = [np.asarray(each) for each in outputs]
        outputs = [each.astype(tensor.dtype) if each.dtype == np.float64 else each
                   for each, tensor in zip(outputs, model.outputs)]
        self.forget_states(model)
        return outputs

    def forget_states(self, model):
        for layer in model._flatten_layers() if self.stateful else []:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    def write(self, folder, formats):
        os.makedirs(folder)
        for number, value in enumerate(self.inputs):
            np.save(os.path.join(folder, f"in{number}.npy"), value)
        for number, value in enumerate(self.outputs):
            np.save(os.path.join(folder, f"out{number}.npy"), value)
        for number, weight in enumerate(self.model.weights):
            np.save(os.path.join(folder, f"w{number}.npy"), np.asarray(weight.value))
        written = []
        for suffix in formats:
            path = os.path.join(folder, f"model.{suffix}")
            try:
                if suffix == "weights.h5":
                    self.model.save_weights(path)
                else:
                    self.model.save(path)
                written.append(suffix)
            except (TypeError, ValueError):
                # Keras' writer of .h5 cannot copy a graph whose call arguments are tensors.
                if suffix != "h5":
                    raise
                if os.path.exists(path):
                    os.remove(path)
        with open(os.path.join(folder, "model.json"), "w", encoding="utf-8") as file:
            file.write(self.model.to_json())
        with open(os.path.join(folder, "layer.json"), "w", encoding="utf-8") as file:
            json.dump(serialization_lib.serialize_keras_object(self.layer), file)
        return {"name": self.name, "layer": self.layer.name, "inputs": len(self.inputs), "outputs": len(self.outputs),
                "weights": len(self.model.weights), "formats": written}
