"""Remakes files/: whole models that the installed Keras saved, and files as older versions laid them out (written with
h5py after the sources of those versions, since they cannot be installed any more), each beside the same weights as
Keras 3's .weights.h5."""

import json
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import h5py
import keras
import numpy as np
from keras import layers as L

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")


def at(name):
    return os.path.join(HERE, name)


def randomized(model, seed=1):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(np.abs(rng.normal(size=weight.shape)) * 0.3 + 0.1)
    return model


def names(values):
    return np.array([v.encode() for v in values])


def old_file(name, layers, version=b"2.3.1", split=False, group=None, file=None):
    """layers: [(layer name, [(weight name, value)])]"""
    own = file is None
    file = file or h5py.File(at(name), "w")
    root = file.create_group(group) if group else file
    if split:
        half = len(layers) // 2
        root.attrs["layer_names0"] = names([n for n, _ in layers[:half]])
        root.attrs["layer_names1"] = names([n for n, _ in layers[half:]])
    else:
        root.attrs["layer_names"] = names([n for n, _ in layers])
    if version:
        root.attrs["keras_version"] = version
        root.attrs["backend"] = b"tensorflow"
    for layer, weights in layers:
        inner = root.create_group(layer)
        inner.attrs["weight_names"] = names([n for n, _ in weights]) if weights else []
        for weight, value in weights:
            inner[weight] = value
    if own:
        file.close()


def dense():
    keras.utils.clear_session()
    return randomized(keras.Sequential([keras.Input((3,)), L.Dense(4, activation="relu"), L.Dropout(0.1), L.Dense(2)],
                                       name="dense"))


def recurrent(bias=True):
    keras.utils.clear_session()
    return randomized(keras.Sequential([keras.Input((5, 3)), L.Bidirectional(L.LSTM(2, return_sequences=True)),
                                        L.GRU(4), L.Dense(1)], name="recurrent"))


def cudnn_kernel(kernel, gates):
    return np.hstack([k.T.reshape(k.shape) for k in np.hsplit(kernel, gates)])


def transposed(kernel, gates):
    return np.hstack([k.T for k in np.hsplit(kernel, gates)])


def main():
    np.savez_compressed(
        at("arrays.npz"), x=np.arange(24, dtype="float32").reshape(2, 3, 4), y=np.array([1, 0, 2], "int64"),
        one=np.float16(1.5), **{"a/b": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3))})

    model = dense()
    model.save_weights(at("dense.weights.h5"))
    values = [np.asarray(w.value) for w in model.weights]
    layers = [("dense_1", [("dense_1/kernel:0", values[0]), ("dense_1/bias:0", values[1])]), ("dropout_1", []),
              ("dense_2", [("dense_2/kernel:0", values[2]), ("dense_2/bias:0", values[3])])]
    old_file("keras2_dense.h5", layers)
    old_file("keras2_split_names.h5", layers, split=True)

    model = recurrent()
    model.save_weights(at("recurrent.weights.h5"))
    value = {w.path: np.asarray(w.value) for w in model.weights}
    weights = [np.asarray(w.value) for w in model.weights]
    cudnn = []
    for i in (0, 3):
        bias = weights[i + 2]
        cudnn += [cudnn_kernel(weights[i], 4), transposed(weights[i + 1], 4), np.concatenate([bias * 0.25, bias * 0.75])]
    gru = [cudnn_kernel(weights[6], 3), transposed(weights[7], 3), weights[8].reshape(-1)]
    old_file("keras2_cudnn.h5", [("bidirectional_1", [(f"b/{i}:0", v) for i, v in enumerate(cudnn)]),
                                 ("cu_dnngru_1", [(f"g/{i}:0", v) for i, v in enumerate(gru)]),
                                 ("dense_1", [("dense_1/kernel:0", weights[9]), ("dense_1/bias:0", weights[10])])])

    keras.utils.clear_session()
    model = randomized(keras.Sequential([keras.Input((5, 3)), L.LSTM(2, return_sequences=True),
                                         L.GRU(4, reset_after=False), L.Dense(1)], name="gates"))
    model.save_weights(at("gates.weights.h5"))
    weights = [np.asarray(w.value) for w in model.weights]
    i, f, c, o = range(4)
    lstm = [part for gate in (i, c, f, o) for part in (np.hsplit(weights[0], 4)[gate], np.hsplit(weights[1], 4)[gate],
                                                        np.split(weights[2], 4)[gate])]
    gru = [part for gate in range(3) for part in (np.hsplit(weights[3], 3)[gate], np.hsplit(weights[4], 3)[gate],
                                                   np.split(weights[5], 3)[gate])]
    old_file("keras1_gates.h5", [("lstm_1", [(f"lstm_1_{n}", v) for n, v in enumerate(lstm)]),
                                 ("gru_1", [(f"gru_1_{n}", v) for n, v in enumerate(gru)]),
                                 ("dense_1", [("dense_1_W", weights[6]), ("dense_1_b", weights[7])])], version=None)

    # A whole model of tf.keras 2.4 with Adam's state in the old order: all m, then all v.
    model = dense()
    model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError())
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")
    for _ in range(3):
        model.train_on_batch(x, y)
    model.save(at("dense_adam.keras"))
    model.save(at("dense_adam.h5"))
    values = [np.asarray(w.value) for w in model.weights]
    state = [np.asarray(v.value) for v in model.optimizer.variables]
    with h5py.File(at("keras2_model.h5"), "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.4.0", b"tensorflow"
        base = {"trainable": True, "dtype": "float32"}
        initializer = {"class_name": "GlorotUniform", "config": {"seed": None}}
        zeros = {"class_name": "Zeros", "config": {}}

        def dense_config(name, units, activation):
            return {"class_name": "Dense", "config": {"name": name, **base, "units": units, "activation": activation,
                    "use_bias": True, "kernel_initializer": initializer, "bias_initializer": zeros,
                    "kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None,
                    "kernel_constraint": None, "bias_constraint": None}}

        config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": [
            {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "dtype": "float32", "sparse": False,
                                                    "ragged": False, "name": "dense_input"}},
            dense_config("dense", 4, "relu"),
            {"class_name": "Dropout", "config": {"name": "dropout", **base, "rate": 0.1, "noise_shape": None,
                                                 "seed": None}},
            dense_config("dense_1", 2, "linear")]}}
        training = {"loss": "mean_squared_error", "metrics": None, "weighted_metrics": None, "loss_weights": None,
                    "optimizer_config": {"class_name": "Adam", "config": {
                        "name": "Adam", "learning_rate": 0.009999999776482582, "decay": 0.0, "beta_1": 0.9,
                        "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": False}}}
        file.attrs["model_config"], file.attrs["training_config"] = json.dumps(config).encode(), json.dumps(training).encode()
        old_file(None, [("dense", [("dense/kernel:0", values[0]), ("dense/bias:0", values[1])]), ("dropout", []),
                        ("dense_1", [("dense_1/kernel:0", values[2]), ("dense_1/bias:0", values[3])])], b"2.4.0",
                 group="model_weights", file=file)
        paths = ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
        group = file.create_group("optimizer_weights")
        entries = [("Adam/iter:0", np.int64(state[0]))]
        entries += [(f"Adam/{p}/m:0", state[2 + 2 * i]) for i, p in enumerate(paths)]
        entries += [(f"Adam/{p}/v:0", state[3 + 2 * i]) for i, p in enumerate(paths)]
        group.attrs["weight_names"] = names([n for n, _ in entries])
        for name, entry in entries:
            group[name] = entry


main()
