"""`.weights.h5` files that Keras wrote, and in weight_files.json what each model answers once they are loaded."""

import os

import golden_io as g
import keras
import numpy as np
from families import curves

layers = keras.layers


def nested(rng):
    inner_in = keras.Input((4,), name="inner_in")
    inner = keras.Model(inner_in, layers.Dense(3, activation="tanh", name="inner_dense")(inner_in), name="inner")
    block = keras.Sequential([layers.Input((3,)), layers.Dense(3, activation="relu"), layers.Dense(3)], name="block")
    x = keras.Input((4,), name="x")
    h = inner(x)
    y = layers.Add(name="sum")([block(h), block(inner(layers.Dense(4, name="twist")(x)))])
    return keras.Model(x, layers.Dense(2, name="head")(y), name="nested"), g.normal(rng, (3, 4))


def sequences(rng):
    model = keras.Sequential([
        layers.Input((4, 3)),
        layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
        layers.TimeDistributed(layers.Dense(3, activation="relu")),
        layers.Bidirectional(layers.GRU(2, return_sequences=True, reset_after=False), merge_mode="sum"),
        layers.SimpleRNN(3, return_sequences=True), layers.LayerNormalization(), layers.GRU(2), layers.Dense(1)])
    return model, g.normal(rng, (2, 4, 3))


def images(rng):
    model = keras.Sequential([
        layers.Input((5, 6, 2)), layers.SeparableConv2D(3, 2), layers.BatchNormalization(scale=False), layers.PReLU(),
        layers.DepthwiseConv2D(2, depth_multiplier=2), layers.GroupNormalization(groups=3), layers.Dropout(0.5),
        layers.Conv2DTranspose(2, 2, strides=2), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    return model, g.normal(rng, (2, 5, 6, 2))


def many_dense(rng):
    """More layers of one class than ten: HDF5 lists dense_10 before dense_2."""
    model = keras.Sequential([layers.Input((2,))] + [layers.Dense(2, activation="softsign") for _ in range(12)])
    return model, g.normal(rng, (3, 2))


class Subclassed(keras.Model):
    """Direct attributes are saved under their own names, lists under `layers`."""

    def __init__(self):
        super().__init__()
        self.encoder = layers.Dense(3, activation="relu")
        self.head = layers.Dense(2)
        self.blocks = [layers.Dense(3), layers.Dense(3)]

    def call(self, x):
        h = self.encoder(x)
        for block in self.blocks:
            h = h + block(h)
        return self.head(h)


def subclassed(rng):
    return Subclassed(), g.normal(rng, (3, 4))


def _of_curve(maker, trained):
    def make(rng):
        model, x, y, compile_arguments = maker(rng)
        xs = [v[:4] for v in (x if isinstance(x, list) else [x])]
        if trained:
            model.compile(**compile_arguments)
            ys = [v[:4] for v in (y if isinstance(y, list) else [y])]
            for _ in range(3):
                model.train_on_batch(xs if isinstance(x, list) else xs[0], ys if isinstance(y, list) else ys[0])
        return model, xs if isinstance(x, list) else xs[0]

    make.__name__ = maker.__name__
    return make


MODELS = [_of_curve(curves.dense_regression, True), _of_curve(curves.softmax_classifier, True),
          _of_curve(curves.convolution, False), _of_curve(curves.recurrent, True), _of_curve(curves.two_inputs, False),
          _of_curve(curves.attention, False), nested, sequences, images, many_dense, subclassed]


def run(maker, folder):
    name = maker.__name__
    g.reset()
    rng = g.rng_for("weights/" + name)
    model, x = maker(rng)
    xs = x if isinstance(x, list) else [x]
    model(x)
    if not model.compiled:
        for weight in model.weights:
            shape = weight.shape
            weight.assign(g.uniform(rng, shape, 0.5, 1.5) if "variance" in weight.path else g.normal(rng, shape, 0.5))
    outputs = model(x)
    file = f"{name}.weights.h5"
    model.save_weights(os.path.join(folder, file), overwrite=True)
    result = dict(name=name, file=file, inputs=xs,
                  outputs=[np.asarray(o) for o in (outputs if isinstance(outputs, (list, tuple)) else [outputs])],
                  weights=[dict(path=w.path, value=np.asarray(w.value)) for w in model.weights])
    if model.compiled:
        result["optimizer"] = dict(
            class_name=type(model.optimizer).__name__, config=g.config_of(model.optimizer),
            variables=[dict(path=v.path.split("/", 1)[-1], value=np.asarray(v.value))
                       for v in model.optimizer.variables])
    return result


def make(directory):
    folder = os.path.join(os.path.dirname(directory), "weights")
    os.makedirs(folder, exist_ok=True)
    return [run(maker, folder) for maker in MODELS]


EXACT = True
