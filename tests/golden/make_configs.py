"""Writes configs/models.json: models as real Keras describes them (to_json and the legacy form of `.h5`), and what they
predict with weights that follow a formula. Run with Keras 3.15 on jax: KERAS_BACKEND=jax python make_configs.py"""

import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import layers as L
from keras import ops
from keras.src.legacy.saving import json_utils, saving_options, saving_utils

HERE = pathlib.Path(__file__).parent
MODELS = {}


def model(function):
    MODELS[function.__name__] = function
    return function


@model
def sequential_dense():
    m = keras.Sequential([keras.Input((4,)), L.Dense(5, activation="relu", kernel_regularizer="l2"), L.Dense(2)])
    m.compile("adam", "mse", metrics=["mae"])
    return m


@model
def sequential_convolutions():
    m = keras.Sequential([
        keras.Input((8, 8, 2), batch_size=3), L.Conv2D(3, 3, padding="same", use_bias=False), L.BatchNormalization(),
        L.LeakyReLU(0.1), L.MaxPooling2D(), L.DepthwiseConv2D(2), L.SeparableConv2D(4, 2), L.ZeroPadding2D(1),
        L.Conv2DTranspose(2, 2, strides=2), L.GlobalAveragePooling2D(), L.Flatten(), L.Dropout(0.3), L.Dense(3, "softmax")])
    m.compile(keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9), momentum=0.9, nesterov=True),
              keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
              metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(2)])
    return m


@model
def sequential_recurrent():
    return keras.Sequential([
        keras.Input((6,), dtype="int32"), L.Embedding(7, 4, mask_zero=True), L.Bidirectional(L.LSTM(3, return_sequences=True)),
        L.TimeDistributed(L.Dense(4)), L.GRU(3, return_sequences=True), L.SimpleRNN(2)])


@model
def sequential_unbuilt():
    return keras.Sequential([L.Dense(3), L.LayerNormalization()])


@model
def functional_operations():
    x = keras.Input((4,), name="x")
    y = keras.Input((4,), name="y")
    z = x * 2 + y
    z = 1.0 - z / 3.0
    m = ops.mean(z, axis=-1, keepdims=True)
    s = z[:, 1:3] - m
    t = ops.concatenate([s, ops.expand_dims(z[:, 0], -1), ops.max(y, axis=1, keepdims=True)], axis=-1)
    t = ops.reshape(t, (-1, 2, 2))
    t = ops.transpose(t, (0, 2, 1))
    t = ops.matmul(t, ops.relu(t))
    t = ops.where(t > 0, t, -t) + np.array([[0.5, 0.25]], "float32")
    v, i = ops.top_k(y, 2)
    v = v + ops.cast(i, "float32") * ops.stop_gradient(v)
    a, b = ops.split(x, 2, axis=-1)
    c = ops.clip(a * b, -0.5, 0.5) ** 2
    return keras.Model([x, y], [L.Flatten()(t), L.Dense(2)(ops.stack([v, c], axis=1)[:, None, ..., 0])])


@model
def functional_shared():
    a = keras.Input((3,), name="a")
    b = keras.Input((3,), name="b")
    shared = L.Dense(3, name="shared")
    x = shared(shared(a))
    y = shared(b)
    out = L.Dot(axes=1)([x, L.Multiply()([y, x])])
    m = keras.Model({"b": b, "a": a}, {"out": out, "mean": L.Average()([x, y])})
    return m


@model
def functional_nested():
    i = keras.Input((4,), name="i")
    inner_sequence = keras.Sequential([L.Dense(3, name="d1"), L.ReLU(name="r1")], name="sequence")
    k = keras.Input((3,), name="k")
    inner_graph = keras.Model(k, [L.Dense(3, name="d2")(k), L.Activation("tanh", name="t2")(k)], name="graph")
    h = inner_sequence(i)
    p, q = inner_graph(h)
    r, s = inner_graph(p + q)
    m = keras.Model(i, [r, L.Add(name="add_layer")([s, p]), inner_sequence(i)])
    m.compile(keras.optimizers.AdamW(1e-3), ["mse", None, keras.losses.Huber()], loss_weights=[1.0, 0.5, 2.0])
    return m


@model
def functional_attention():
    t = keras.Input((5,), dtype="int32", name="tokens")
    # Keras drops the mask of what it hands to MultiHeadAttention when it runs, but not when it builds the graph.
    y = L.Embedding(9, 4)(t)
    y = L.LayerNormalization(epsilon=1e-6)(L.Add()([y, L.MultiHeadAttention(2, 2)(y, y, use_causal_mask=True)]))
    x = L.Embedding(9, 4, mask_zero=True)(t)
    a = L.Attention()([x, x])
    x, h, c = L.LSTM(3, return_sequences=True, return_state=True)(a)
    x = L.GRU(3)(x, initial_state=h)
    return keras.Model(t, L.Concatenate()([x, c, L.GlobalAveragePooling1D()(y)]))


@model
def functional_named_outputs():
    x = keras.Input((4,), name="x")
    m = keras.Model(x, [L.Dense(3, "softmax", name="label")(x), L.Dense(1, name="score")(x)])
    m.compile("rmsprop", {"label": "categorical_crossentropy", "score": "mse"}, loss_weights={"label": 1.0, "score": 0.5},
              metrics={"label": ["accuracy"]})
    return m


@model
def mixed_policies():
    return keras.Sequential([
        keras.Input((4,)), L.Dense(3, dtype="mixed_float16"), L.Dense(2, dtype="float64", name="double"),
        L.Dense(2, kernel_initializer=keras.initializers.RandomNormal(stddev=0.1, seed=3),
                bias_constraint="non_neg", activity_regularizer=keras.regularizers.L1(0.5))])


def weight(index, shape, name):
    values = 0.4 * np.sin(0.37 * np.arange(int(np.prod(shape))) + index)
    return (np.abs(values) + 0.5 if "variance" in name else values).reshape(shape).astype("float32")


def inputs_of(m):
    made = {}
    for place, tensor in enumerate(m.inputs):
        shape = [3 if size is None else size for size in tensor.shape]
        count = int(np.prod(shape))
        name = tensor._keras_history.operation.name
        if "int" in tensor.dtype:
            made[name] = ((np.arange(count) * 5 + place) % 7).reshape(shape).astype("int32")
        else:
            made[name] = np.cos(0.61 * np.arange(count) + place).reshape(shape).astype("float32")
    return made


def case(name, make):
    keras.utils.clear_session()
    m = make()
    result = {"name": name, "object": json.loads(m.to_json())}
    with saving_options.keras_option_scope(use_legacy_config=True):
        metadata = saving_utils.model_metadata(m, include_optimizer=True)
    for key in ("model_config", "training_config"):
        if key in metadata:
            result["legacy_" + key] = json.loads(json.dumps(metadata[key], default=json_utils.get_json_type))
    if m.built:
        for index, variable in enumerate(m.weights):
            variable.assign(weight(index, variable.shape, variable.name))
        given = inputs_of(m)
        structure = given if isinstance(getattr(m, "_inputs_struct", None), dict) else list(given.values())
        outputs = m(structure if len(given) > 1 or isinstance(structure, dict) else structure[0])
        result["outputs"] = [np.asarray(o, "float64").round(6).reshape(-1).tolist() for o in keras.tree.flatten(outputs)]
        result["weights"] = [[v.name, list(v.shape)] for v in m.weights]
    return result


if __name__ == "__main__":
    cases = [case(name, make) for name, make in MODELS.items()]
    lines = ",\n".join(json.dumps(one) for one in cases)
    (HERE / "configs").mkdir(exist_ok=True)
    (HERE / "configs" / "models.json").write_text("[\n" + lines + "\n]\n")
