"""Models for files_live.py: every layer that Nyala has, and the ways in which models are put together."""

import keras
import numpy as np
from keras import layers as L

SEQUENCE, IMAGE, VOLUME = (6, 4), (8, 8, 3), (6, 6, 6, 2)


def chain(shape, *layers, name=None):
    return lambda: keras.Sequential([keras.Input(shape), *[layer() for layer in layers]], name=name)


def merged(layer, *shapes):
    def make():
        inputs = [keras.Input(shape) for shape in shapes]
        return keras.Model(inputs, layer()(inputs))
    return make


def one_layer_each():
    def add(name, shape, make):
        return name, chain(shape, make, lambda: L.Flatten(), lambda: L.Dense(2))

    yield add("Activation", (5,), lambda: L.Activation("gelu"))
    yield add("ActivityRegularization", (5,), lambda: L.ActivityRegularization(l2=0.1))
    for name in ["Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply"]:
        yield name, merged(getattr(L, name), (5,), (5,), (5,))
    yield "Subtract", merged(L.Subtract, (5,), (5,))
    yield "Dot", merged(lambda: L.Dot(axes=1), (5,), (5,))
    yield "Attention", merged(lambda: L.Attention(use_scale=True), SEQUENCE, SEQUENCE)
    yield "AdditiveAttention", merged(L.AdditiveAttention, SEQUENCE, SEQUENCE)
    for name in ["AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"]:
        yield add(name, (5,), lambda name=name: getattr(L, name)(0.3))
    for n, shape in [(1, SEQUENCE), (2, IMAGE), (3, VOLUME)]:
        yield add(f"AveragePooling{n}D", shape, lambda n=n: getattr(L, f"AveragePooling{n}D")(2))
        yield add(f"MaxPooling{n}D", shape, lambda n=n: getattr(L, f"MaxPooling{n}D")(2, padding="same"))
        yield add(f"GlobalAveragePooling{n}D", shape, lambda n=n: getattr(L, f"GlobalAveragePooling{n}D")())
        yield add(f"GlobalMaxPooling{n}D", shape, lambda n=n: getattr(L, f"GlobalMaxPooling{n}D")(keepdims=True))
        yield add(f"Conv{n}D", shape, lambda n=n: getattr(L, f"Conv{n}D")(4, 3, activation="relu", padding="same"))
        yield add(f"Conv{n}DTranspose", shape,
                  lambda n=n: getattr(L, f"Conv{n}DTranspose")(4, 3, strides=2, use_bias=False))
        yield add(f"Cropping{n}D", shape, lambda n=n: getattr(L, f"Cropping{n}D")(1))
        yield add(f"ZeroPadding{n}D", shape, lambda n=n: getattr(L, f"ZeroPadding{n}D")(1))
        yield add(f"UpSampling{n}D", shape, lambda n=n: getattr(L, f"UpSampling{n}D")(2))
        yield add(f"SpatialDropout{n}D", shape, lambda n=n: getattr(L, f"SpatialDropout{n}D")(0.2))
    for n, shape in [(1, SEQUENCE), (2, IMAGE)]:
        yield add(f"DepthwiseConv{n}D", shape, lambda n=n: getattr(L, f"DepthwiseConv{n}D")(3, depth_multiplier=2))
        yield add(f"SeparableConv{n}D", shape, lambda n=n: getattr(L, f"SeparableConv{n}D")(4, 3))
    yield add("BatchNormalization", IMAGE, lambda: L.BatchNormalization(momentum=0.9))
    yield add("LayerNormalization", SEQUENCE, lambda: L.LayerNormalization())
    yield add("GroupNormalization", (8, 8, 4), lambda: L.GroupNormalization(2))
    yield add("Normalization", (5,), lambda: L.Normalization(mean=1.5, variance=2.0))
    yield add("Dense", (5,), lambda: L.Dense(3, activation="tanh", kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2),
                                             bias_constraint=keras.constraints.MaxNorm(2.0)))
    yield add("EinsumDense", SEQUENCE, lambda: L.EinsumDense("abc,cd->abd", (6, 7), bias_axes="d"))
    yield "Embedding", chain((6,), lambda: L.Embedding(10, 4), lambda: L.Flatten(), lambda: L.Dense(2))
    for name in ["ELU", "LeakyReLU", "ReLU", "Softmax", "Identity", "PReLU", "Flatten"]:
        yield add(name, SEQUENCE, lambda name=name: getattr(L, name)())
    for name in ["GRU", "LSTM", "SimpleRNN"]:
        yield add(name, SEQUENCE, lambda name=name: getattr(L, name)(3, return_sequences=True))
        yield add("RNN" + name, SEQUENCE, lambda name=name: L.RNN(getattr(L, name + "Cell")(3)))
    yield add("GRUnotafter", SEQUENCE, lambda: L.GRU(3, reset_after=False))
    yield add("Bidirectional", SEQUENCE, lambda: L.Bidirectional(L.LSTM(3), merge_mode="sum"))
    yield add("TimeDistributed", SEQUENCE, lambda: L.TimeDistributed(L.Dense(3)))
    yield add("Masking", SEQUENCE, lambda: L.Masking())
    yield "MultiHeadAttention", attention
    yield add("Permute", SEQUENCE, lambda: L.Permute((2, 1)))
    yield add("RepeatVector", (5,), lambda: L.RepeatVector(3))
    yield add("Rescaling", IMAGE, lambda: L.Rescaling(1 / 255, offset=-0.5))
    yield add("Reshape", SEQUENCE, lambda: L.Reshape((3, -1)))


def attention():
    x = keras.Input(SEQUENCE)
    return keras.Model(x, L.MultiHeadAttention(2, 3)(x, x))


def nested():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3), L.BatchNormalization(), L.Dense(3)], name="inner")
    x = keras.Input((4,), name="x")
    graph = keras.Model(x, L.Dense(3, name="deep")(x), name="graph")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    return keras.Model([a, b], [L.Add()([inner(a), graph(b)]), inner(b)], name="outer")


def shared():
    a, b = keras.Input((4,)), keras.Input((4,))
    dense = L.Dense(3)
    return keras.Model([a, b], L.Concatenate()([dense(a), dense(b)]))


def frozen():
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.BatchNormalization(), L.Dense(2)])
    model.layers[0].trainable = False
    return model


def arithmetic():
    a, b = keras.Input((4,)), keras.Input((4,))
    return keras.Model([a, b], L.Dense(2)(a * 2.0 + b - a / 3.0))


def many():
    return keras.Sequential([keras.Input((3,)), *[L.Dense(3, name=f"a_layer_with_a_long_name_{i}") for i in range(40)]])


def composed():
    return [("nested", nested), ("shared", shared), ("frozen", frozen), ("arithmetic", arithmetic), ("many", many)]


OPTIMIZERS = [
    ("Adam", lambda: keras.optimizers.Adam(0.01, amsgrad=True)),
    ("SGD", lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)),
    ("SGDplain", lambda: keras.optimizers.SGD(0.05)),
    ("RMSprop", lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True)),
    ("AdamW", lambda: keras.optimizers.AdamW(0.01, use_ema=True)),
    ("Nadam", lambda: keras.optimizers.Nadam(0.01)),
    ("Adagrad", lambda: keras.optimizers.Adagrad(0.1)),
    ("Adadelta", lambda: keras.optimizers.Adadelta(1.0)),
    ("Adamax", lambda: keras.optimizers.Adamax(0.01, clipnorm=1.0)),
    ("Ftrl", lambda: keras.optimizers.Ftrl(0.1)),
    ("Lion", lambda: keras.optimizers.Lion(0.005)),
    ("Adafactor", lambda: keras.optimizers.Adafactor(0.01)),
    ("Schedule", lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.7))),
]


def trained(optimizer):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), L.Dense(6, activation="tanh"), L.LayerNormalization(), L.Dense(2)])
    model.compile(optimizer, keras.losses.MeanSquaredError())
    return model


def inputs_of(model, seed=0):
    rng = np.random.default_rng(seed)
    whole = any(isinstance(layer, L.Embedding) for layer in model.layers)
    shapes = [(4, *(size or 3 for size in tensor.shape[1:])) for tensor in model.inputs]
    return [(rng.integers(0, 9, shape) if whole else rng.normal(size=shape)).astype("float32") for shape in shapes]
