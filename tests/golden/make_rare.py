"""Remakes files/rare/: small models of what few files hold (cells of one's own, maps of dtype policies, frozen parts),
saved by the Keras that runs this after a step of training, each with its inputs, its config, what it predicts and the
losses of three more steps.
usage: KERAS_BACKEND=jax python make_rare.py [--out FOLDER], and with KERAS_BACKEND=tensorflow, which remakes `spectral`:
in fit with JAX Keras forgets what SpectralNormalization makes of the kernel, as its trainer keeps no such change.

Made with keras==3.15.1, jax and tensorflow-cpu==2.18.1."""

import json
import os
import sys
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np
from keras import layers as L, ops

OUT = (sys.argv[sys.argv.index("--out") + 1] if "--out" in sys.argv
       else os.path.join(os.path.dirname(os.path.abspath(__file__)), "files", "rare"))


@keras.saving.register_keras_serializable("tests")
class OneState(L.Layer):
    """x W + h U."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")

    def call(self, x, states):
        y = ops.matmul(x, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        return y, [y]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("tests")
class Counting(L.Layer):
    """tanh(x W + h) * (1 + steps / 10), where the steps are a state of one feature that begins at 1."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size, self.output_size = units, [units, 1], units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x, states, training=False):
        h = ops.tanh(ops.matmul(x, self.kernel) + states[0]) * (1.0 + states[1] / 10.0)
        return h, [h, states[1] + 1.0]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units)), ops.ones((batch_size, 1))]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def graph(x, y, name):
    return keras.Model(x, L.Dense(2, name="last")(y), name=name)


def own_cell():
    x = L.Input((5, 4), name="x")
    y = L.RNN(OneState(3, name="own"), return_sequences=True, name="one")(L.Masking(name="masked")(x))
    return graph(x, L.Bidirectional(L.RNN(Counting(3, name="count"), name="counted"), name="both")(y), "own_cell")


def own_cells():
    return keras.Sequential([L.Input((5, 4), name="x"), L.RNN(
        [Counting(3, name="count"), OneState(4, name="own"), L.GRUCell(2, name="gru")], name="stacked")], name="own_cells")


def policy_map():
    policies = keras.dtype_policies.DTypePolicyMap("float32", {
        "heads/(query|key)": keras.dtype_policies.DTypePolicy("mixed_bfloat16"),
        "wide/lstm_cell": keras.dtype_policies.DTypePolicy("mixed_bfloat16"),
        "narrow": keras.dtype_policies.DTypePolicy("bfloat16")})
    x = L.Input((5, 4), name="x")
    y = L.MultiHeadAttention(2, 3, dtype=policies, name="heads")(x, x)
    y = L.LSTM(3, dtype=policies, name="wide")(L.Dense(3, dtype=policies, name="narrow")(y))
    return graph(x, L.Dense(3, dtype=policies, name="plain")(y), "policy_map")


def default_map():
    policies = keras.dtype_policies.DTypePolicyMap()
    policies["chain/second"] = "mixed_bfloat16"
    return keras.Sequential([L.Input((4,), name="x"), L.Dense(6, dtype=policies, name="first"),
                             L.Dense(2, dtype=policies, name="second")], name="chain")


def quantized_map():
    """Keras 3.15 cannot save its weights."""
    policies = keras.dtype_policies.DTypePolicyMap()
    for name in ("heads/query", "heads/value", "own"):
        policies[name] = keras.dtype_policies.QuantizedDTypePolicy("int8", "float32")
    x = L.Input((5, 4), name="x")
    y = L.MultiHeadAttention(2, 3, dtype=policies, name="heads")(x, x)
    return keras.Model(x, L.Dense(3, dtype=policies, name="own")(y), name="quantized_map")


def frozen():
    """Nested models that are frozen whole, in part, and one that is frozen but for a layer."""
    x = L.Input((4,), name="x")
    whole = keras.Sequential([L.Input((4,)), L.Dense(4, name="w1"), L.BatchNormalization(name="w2")], name="whole")
    whole.trainable = False
    inner = L.Input((4,), name="inner")
    part = keras.Model(inner, L.Dense(4, name="p2")(L.Dense(4, activation="tanh", name="p1")(inner)), name="part")
    part.get_layer("p1").trainable = False
    deep = L.Input((4,), name="deep_in")
    but_one = keras.Model(deep, L.Dense(4, name="b2")(L.Dense(4, activation="tanh", name="b1")(deep)), name="but_one")
    but_one.trainable = False
    but_one.get_layer("b2").trainable = True
    heads = L.Bidirectional(L.LSTM(2, name="l"), name="both")
    y = but_one(part(whole(x)))
    y = heads(L.Reshape((2, 2), name="steps")(y))
    heads.trainable = False
    return graph(x, y, "frozen")


def all_frozen():
    x = L.Input((4,), name="x")
    model = graph(x, L.Dense(4, activation="tanh", name="first")(x), "all_frozen")
    model.trainable = False
    model.get_layer("last").trainable = True
    return model


def per_class():
    x = L.Input((4,), name="x")
    return keras.Model(x, L.Dense(2, activation="softmax", name="last")(x), name="per_class")


def learnt_activations():
    """Layers as activations, with weights of their own."""
    def learnt(**options):
        return L.PReLU(alpha_initializer=keras.initializers.RandomUniform(0.1, 0.9), **options)

    x = L.Input((6, 4), name="x")
    y = L.Conv1D(4, 2, activation=learnt(shared_axes=[1]), name="conv")(x)
    y = L.SeparableConv1D(3, 2, activation=learnt(), name="separable")(y)
    y = L.EinsumDense("abc,cd->abd", (4, 3), activation=L.LeakyReLU(0.2), name="einsum")(y)
    y = L.LSTM(3, activation=learnt(), name="steps")(y)
    y = L.Activation(learnt(), name="alone")(L.Dense(4, activation=learnt(), name="dense")(y))
    return graph(x, y, "learnt_activations")


def scaled():
    """Keras wraps the optimizer for mixed_float16, and tells it in its state only."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x = L.Input((4,), name="x")
        model = keras.Model(x, L.Dense(2, dtype="float32", name="last")(L.Dense(4, name="half")(x)), name="scaled")
        model.compile(keras.optimizers.Adam(0.1), "mse")
    finally:
        keras.config.set_dtype_policy("float32")
    return model


def spectral():
    x = L.Input((4,), name="x")
    y = L.SpectralNormalization(L.Dense(5, activation="tanh", name="inner"), power_iterations=2, name="normal")(x)
    return graph(x, y, "spectral")


def record(make, loss="mse", metrics=None, trains=True):
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    model = make()
    rng = np.random.default_rng(1)
    x = [rng.normal(size=(6,) + tuple(each.shape[1:])).astype("float32") for each in model.inputs]
    y = rng.normal(size=(6, 2)).astype("float32")
    if metrics:
        y = np.eye(2, dtype="float32")[rng.integers(0, 2, 6)]
    if len(x[0].shape) == 3:
        x[0][0, 3:] = 0.0
    if not model.compiled:
        model.compile(keras.optimizers.SGD(0.1), loss, metrics=metrics)
    base = os.path.join(OUT, make.__name__)
    if trains:
        model.train_on_batch(x, y)
    model.save(base + ".keras")
    try:
        model.save(base + ".h5")
    except Exception as error:
        print(make.__name__, "has no .h5:", str(error)[:100])
    with zipfile.ZipFile(base + ".keras") as archive:
        with open(base + ".json", "wb") as out:
            out.write(archive.read("config.json"))
    for i, value in enumerate(x):
        np.save(f"{base}.x{i}.npy", value)
    np.save(base + ".y.npy", y)
    again = keras.saving.load_model(base + ".keras") if make is not scaled else model
    np.save(base + ".predicted.npy", np.asarray(again(x[0], training=False), "float32"))
    losses, logs = [], {}
    for _ in range(3 if trains else 0):
        again.reset_metrics()
        losses.append(again.train_on_batch(x, y, return_dict=True)["loss"])
    np.save(base + ".losses.npy", np.array(losses, "float32"))
    frozen = [w.path for w in again.weights if not any(w is t for t in again.trainable_weights)]
    print(make.__name__, losses, "frozen:", frozen, {k: np.asarray(v).tolist() for k, v in again.evaluate(
        x, y, verbose=0, return_dict=True).items()})


os.makedirs(OUT, exist_ok=True)
if keras.backend.backend() == "tensorflow":
    record(spectral)
    sys.exit()
with open(os.path.join(OUT, "quantized_map.json"), "w", encoding="utf-8") as file:
    file.write(quantized_map().to_json())
record(own_cell)
record(own_cells)
record(policy_map)
record(default_map)
record(frozen)
record(all_frozen)
record(learnt_activations)
record(scaled)
record(per_class, loss="categorical_crossentropy", metrics=[keras.metrics.F1Score(average=None), "accuracy"])
