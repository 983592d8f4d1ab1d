"""Run by tf_keras_live.py with tf_keras, in two steps: writes models with an input, what they predict and the losses of
more steps; then reads the weights that Nyala wrote, in each format. usage: tf_keras_models.py write|read FOLDER"""

import json
import logging
import os
import sys

os.environ.update({"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TF_ENABLE_ONEDNN_OPTS": "0"})
import numpy as np
import tensorflow as tf
import tf_keras as keras

L, STEPS = keras.layers, 3
FORMATS = ("keras", "h5", "weights.h5")


def image(*layers):
    return lambda: chain((8, 8, 3), *(make() for make in layers))


def chain(shape, *layers, dtype="float32"):
    """A graph, not a Sequential: which layers are called on what is in its file."""
    first = x = L.Input(shape, dtype=dtype)
    for layer in layers:
        x = layer(x)
    return keras.Model(first, x)


def series(*layers):
    return lambda: chain((6, 4), *(make() for make in layers))


def sequential():
    return keras.Sequential([
        L.Dense(6, activation="relu", input_shape=(5,), kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02)),
        L.BatchNormalization(momentum=0.8), L.Dropout(0.0), L.PReLU(), L.Dense(4, kernel_constraint="max_norm"),
        L.LeakyReLU(alpha=0.2), L.ELU(0.7), L.ReLU(max_value=4.0, negative_slope=0.1, threshold=0.2),
        L.ThresholdedReLU(0.1), L.ActivityRegularization(l2=0.01), L.Dense(2)])


def words():
    tokens = L.Input((7,), dtype="int32")
    x = L.Embedding(9, 4, mask_zero=True)(tokens)
    x = L.Bidirectional(L.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"))(x)
    x = L.Bidirectional(L.GRU(3, return_sequences=True, reset_after=False), merge_mode="sum")(x)
    x = L.SimpleRNN(4, return_sequences=True, go_backwards=True)(x)
    x = L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True)(x)
    return keras.Model(tokens, L.TimeDistributed(L.Dense(2, activation="hard_sigmoid"))(x))


def attention():
    x, y = L.Input((5, 4)), L.Input((3, 4))
    z = L.MultiHeadAttention(2, 3, value_dim=2, output_shape=4, name="heads")(x, y)
    z = L.LayerNormalization(epsilon=1e-4)(L.Add()([x, z]))
    z = L.Attention(use_scale=True)([z, y])
    z = L.AdditiveAttention()([z, y])
    z = L.Dense(4, activation="swish")(z)
    return keras.Model([x, y], L.UnitNormalization()(L.GroupNormalization(2)(z)))


def merges():
    x, y = L.Input((3, 4)), L.Input((3, 4))
    parts = [kind()([x, y]) for kind in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate)]
    parts.append(L.Dot(axes=2, normalize=True)([x, y]))
    return keras.Model([x, y], L.Concatenate()(parts))


def functions():
    """TensorFlow's functions as layers of a graph."""
    x = L.Input((4, 6))
    y = x * 2.0 + 1.0 - x / 3.0
    y = tf.nn.relu(y) + tf.math.exp(-tf.abs(y)) + tf.square(x) ** 0.5
    y = tf.concat([y[:, 1:, ::2], tf.transpose(x, (0, 2, 1))[:, :3, :3]], axis=-1)
    y = tf.reshape(y, (-1, 18)) + tf.reduce_mean(x, axis=[1, 2], keepdims=True)[:, :, 0]
    y = tf.where(y > 0.5, y, tf.clip_by_value(y, -0.2, 0.3))
    y = tf.stack([y, tf.nn.softmax(y)], axis=1)
    return keras.Model(x, tf.squeeze(tf.expand_dims(tf.matmul(y, y, transpose_b=True), -1), -1))


def nested():
    inner = keras.Sequential([L.Dense(4, activation="tanh", input_shape=(4,)), L.BatchNormalization()], name="inner")
    a = L.Input((4,))
    graph = keras.Model(a, L.Dense(4)(inner(a)), name="graph")
    x, y = L.Input((4,), name="x"), L.Input((4,), name="y")
    return keras.Model({"x": x, "y": y}, [L.Add()([graph(x), graph(y)]), L.Dense(2, use_bias=False)(x)])


def prepared():
    normal = L.Normalization(axis=-1)
    normal.adapt(np.arange(12, dtype="float32").reshape(4, 3) ** 1.5)
    return keras.Sequential([L.Input((3,)), normal, L.Rescaling(0.5, offset=1.0), L.Dense(2)])


def grouped():
    integers = L.Input((3,), dtype="int64")
    a = L.CategoryEncoding(6, output_mode="multi_hot")(integers)
    b = L.IntegerLookup(vocabulary=[3, 1, 5], output_mode="count")(integers)
    return keras.Model(integers, L.Dense(2)(L.Concatenate()([a, L.Flatten()(b)])))


MODELS = {
    "sequential": sequential, "words": words, "attention": attention, "merges": merges, "functions": functions,
    "nested": nested, "prepared": prepared, "grouped": grouped,
    "convolution": image(lambda: L.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
                         lambda: L.SeparableConv2D(5, 2, depth_multiplier=2), lambda: L.DepthwiseConv2D(2),
                         lambda: L.Conv2DTranspose(3, 3, strides=2, padding="same"), lambda: L.MaxPooling2D(2),
                         lambda: L.GlobalAveragePooling2D(keepdims=True), L.Flatten, lambda: L.Dense(2)),
    "shapes": image(lambda: L.ZeroPadding2D((1, 2)), lambda: L.Cropping2D(((1, 0), (2, 1))),
                    lambda: L.UpSampling2D(2, interpolation="bilinear"), lambda: L.AveragePooling2D(3, 2, "same"),
                    lambda: L.Permute((3, 1, 2)), lambda: L.Reshape((3, -1)), lambda: L.Activation("softplus"),
                    lambda: L.Softmax(axis=1)),
    "pictures": image(lambda: L.CenterCrop(6, 5), lambda: L.Resizing(7, 9), lambda: L.RandomFlip(seed=1),
                      lambda: L.RandomRotation(0.2), lambda: L.RandomZoom(0.1), lambda: L.RandomContrast(0.2),
                      lambda: L.SpatialDropout2D(0.3), lambda: L.GaussianNoise(0.1), lambda: L.AlphaDropout(0.1)),
    "series": series(lambda: L.Masking(0.5), lambda: L.ZeroPadding1D(2), lambda: L.Conv1D(4, 2, padding="causal"),
                     lambda: L.DepthwiseConv1D(2), lambda: L.SeparableConv1D(3, 2), lambda: L.UpSampling1D(2),
                     lambda: L.Conv1DTranspose(3, 2), lambda: L.AveragePooling1D(2), lambda: L.Cropping1D(1),
                     lambda: L.GlobalMaxPooling1D(), lambda: L.RepeatVector(2), lambda: L.EinsumDense(
                         "abc,cd->abd", (None, 5), bias_axes="d")),
    "volumes": lambda: chain((5, 6, 6, 2), L.Conv3D(3, 2, dilation_rate=2), L.Conv3DTranspose(2, 2),
                             L.MaxPooling3D(2, padding="same"), L.ZeroPadding3D(1), L.GlobalMaxPooling3D()),
    "films": lambda: chain((3, 6, 6, 2), L.ConvLSTM2D(3, 2, return_sequences=True), L.TimeDistributed(L.Flatten()),
                           L.LSTM(2, stateful=False, unroll=True)),
}
OPTIMIZERS = {
    "sequential": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "words": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "convolution": lambda: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.9), momentum=0.9, nesterov=True),
    "attention": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.02),
    "prepared": lambda: keras.optimizers.Adagrad(0.1),
    "nested": lambda: keras.optimizers.Adamax(0.01),
}


def values(model, rng):
    for tensor in model.inputs:
        shape = (4, *tensor.shape[1:])
        yield (rng.integers(0, 6, shape) if tensor.dtype.is_integer else rng.normal(size=shape)).astype(
            tensor.dtype.as_numpy_dtype)


def losses(model, x, y, steps):
    return [float(model.train_on_batch(x, y, return_dict=True)["loss"]) for _ in range(steps)]


def arranged(model, x):
    return dict(zip(("x", "y"), x)) if isinstance(model.input, dict) else x if len(x) > 1 else x[0]


def write(folder):
    told = {}
    for name, make in MODELS.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        rng = np.random.default_rng(2)
        model, base = make(), os.path.join(folder, name)
        model.set_weights([rng.uniform(0.5, 1.5, w.shape).astype(w.dtype.as_numpy_dtype) if "variance" in w.name
                           else w.numpy() + (0 if w.dtype.is_integer else 0.1 * rng.normal(size=w.shape))
                           for w in model.weights])
        x = list(values(model, rng))
        given = arranged(model, x)
        expected = model(given, training=False)
        expected = [part.numpy() for part in (expected if isinstance(expected, list) else [expected])]
        fact = {"inputs": len(x), "outputs": len(expected)}
        if name in OPTIMIZERS:
            model.compile(OPTIMIZERS[name](), "mse", run_eagerly=True)
            target = [rng.normal(size=part.shape).astype("float32") for part in expected]
            target = target if len(target) > 1 else target[0]
            losses(model, given, target, STEPS)
            expected = model(given, training=False)
            expected = [part.numpy() for part in (expected if isinstance(expected, list) else [expected])]
        model.save_weights(base + ".weights.h5")
        model.save(base + ".keras")
        model.save(base + ".h5")
        if name in OPTIMIZERS and len(x) == 1:
            np.save(base + ".t.npy", target)
            fact["losses"] = losses(model, given, target, STEPS)
        for kind, parts in (("x", x), ("y", expected)):
            for i, part in enumerate(parts):
                np.save(f"{base}.{kind}{i}.npy", part)
        told[name] = fact
    with open(os.path.join(folder, "told.json"), "w", encoding="utf-8") as file:
        json.dump(told, file)


def read(folder):
    with open(os.path.join(folder, "told.json"), encoding="utf-8") as file:
        told = json.load(file)
    failures = 0
    for name, fact in told.items():
        base = os.path.join(folder, name)
        x = [np.load(f"{base}.x{i}.npy") for i in range(fact["inputs"])]
        expected = [np.load(f"{base}.y{i}.npy") for i in range(fact["outputs"])]
        for suffix in FORMATS:
            # tf_keras names the attributes of heads otherwise than Keras 3, and reads only its own names.
            if name == "attention" and suffix != "h5":
                continue
            keras.backend.clear_session()
            model = MODELS[name]()
            try:
                model.load_weights(f"{base}.again.{suffix}")
                found = model(arranged(model, x), training=False)
                found = [part.numpy() for part in (found if isinstance(found, list) else [found])]
                wrong = [i for i, (a, b) in enumerate(zip(found, expected)) if not np.allclose(a, b, 1e-5, 1e-5)]
            except Exception as error:  # the next may do
                wrong = f"{type(error).__name__}: {error}"[:300]
            if wrong:
                failures += 1
                print(f"{name}: tf_keras reads Nyala's .{suffix}: {wrong}")
    return failures


if __name__ == "__main__":
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    sys.exit(1 if (write if sys.argv[1] == "write" else read)(sys.argv[2]) else 0)
