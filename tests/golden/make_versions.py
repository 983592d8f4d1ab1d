"""Remakes files/versions/<version>/: small trained models, saved by the Keras (1.2 to 3) or tf.keras that runs this,
with an input, what it predicts, and the losses of three more steps.
usage: KERAS_BACKEND=jax python make_versions.py [tf]   (tf: TensorFlow's own Keras)

Made in environments of their own: keras==1.2.2 theano (Python 3.6); keras==2.3.1 tensorflow==1.15.5 (3.7);
tensorflow-cpu==2.6.5 (3.9); tensorflow-cpu==2.10.1 (3.10); tensorflow-cpu==2.13.1 and 2.15.1,
keras==3.0.5 and 3.10.0 jax (3.11)."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

if "tf" in sys.argv[1:]:
    import tensorflow
    keras = tensorflow.keras
    VERSION = tensorflow.__version__
    NAME = "tf" + VERSION
else:
    import keras
    VERSION = keras.__version__
    NAME = "keras" + VERSION
L = keras.layers
MAJOR = int(VERSION.split(".")[0])
MODERN = MAJOR >= 2 and "tf" in sys.argv[1:] or MAJOR >= 3
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files", "versions", NAME)


def mlp():
    """Sequential, Adam, batch normalisation."""
    model = keras.models.Sequential(name="mlp")
    if MAJOR == 1:
        model.add(L.Dense(4, input_dim=3, activation="relu", name="first"))
    else:
        model.add(L.Dense(4, input_shape=(3,), activation="relu", name="first",
                          kernel_regularizer=None if NAME == "keras3.0.5" else  # which counts it twice with jax
                          keras.regularizers.l2(0.01)))
    model.add(L.BatchNormalization(name="normal"))
    model.add(L.Dropout(0.0, name="drop"))
    model.add(L.LeakyReLU(0.2, name="leaky"))
    model.add(L.Dense(2, name="last"))
    return model, "adam", [(6, 3)]


def picture():
    """A graph with a shared layer, two inputs, convolutions of all kinds; SGD with momentum."""
    if MAJOR == 1:
        a = L.Input((6, 6, 2), name="a")
        b = L.Input((6, 6, 2), name="b")
        shared = L.Convolution2D(3, 3, 3, border_mode="same", activation="relu", dim_ordering="tf", name="shared")
        x = L.merge([shared(a), shared(b)], mode="sum", name="sum")
        x = L.MaxPooling2D((2, 2), dim_ordering="tf", name="pool")(x)
        x = L.ZeroPadding2D((1, 1), dim_ordering="tf", name="padded")(x)
        x = L.Flatten(name="flat")(x)
        model = keras.models.Model(input=[a, b], output=L.Dense(2, activation="tanh", name="last")(x), name="picture")
        return model, keras.optimizers.SGD(lr=0.05, momentum=0.9), [(4, 6, 6, 2)] * 2
    a, b = L.Input((6, 6, 2), name="a"), L.Input((6, 6, 2), name="b")
    shared = L.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    x = L.Add(name="sum")([shared(a), shared(b)])
    x = L.DepthwiseConv2D(3, depth_multiplier=2, name="depth")(x)
    x = L.SeparableConv2D(3, 2, name="separable")(x)
    x = L.Conv2DTranspose(2, 3, strides=2, name="up")(x)
    x = L.AveragePooling2D(2, name="pool")(x)
    if MODERN:
        x = x * 2.0 + 1.0
        x = x[:, 1:]
    inner = keras.models.Sequential([L.Dense(3, input_shape=(4,), name="deep")], name="inner")
    x = L.GlobalAveragePooling2D(name="mean")(L.Concatenate(name="both")([x, x]))
    x = L.Concatenate(name="twice")([inner(x), inner(L.Activation("tanh", name="squash")(x))])
    model = keras.models.Model([a, b], L.Dense(2, name="last")(x), name="picture")
    rate = {"learning_rate": 0.05} if MODERN else {"lr": 0.05}
    return model, keras.optimizers.SGD(momentum=0.9, nesterov=True, **rate), [(4, 6, 6, 2)] * 2


def words():
    """Embedding with a mask, recurrent layers, RMSprop."""
    model = keras.models.Sequential(name="words")
    model.add(L.Embedding(7, 3, input_length=5, mask_zero=True, name="embedded") if MAJOR < 3 else
              L.Embedding(7, 3, mask_zero=True, name="embedded"))
    if MAJOR == 1:
        model.add(L.LSTM(3, return_sequences=True, name="long", consume_less="gpu"))
        model.add(L.GRU(2, name="gated"))
    else:
        model.add(L.Bidirectional(L.LSTM(2, return_sequences=True, recurrent_activation="sigmoid"), name="both_ways"))
        model.add(L.GRU(3, return_sequences=True, name="gated", recurrent_activation="sigmoid", reset_after=MODERN))
        model.add(L.SimpleRNN(2, name="simple"))
    model.add(L.Dense(2, name="last"))
    if MAJOR == 3:
        model.build((None, 5))
    return model, "rmsprop", [(4, 5)]


def attention():
    """Multi-head attention, layer normalisation, Nadam or Adam."""
    x = L.Input((4, 6), name="sequence")
    y = L.LayerNormalization(name="normal")(x + L.MultiHeadAttention(2, 3, name="heads")(x, x))
    y = L.TimeDistributed(L.Dense(2), name="each")(y)
    # TensorFlow's Nadam is another algorithm up to 2.10, and later multiplies its product once per variable.
    optimizer = keras.optimizers.Nadam(0.01) if MAJOR == 3 else keras.optimizers.Adam(0.01, amsgrad=True)
    return keras.models.Model(x, y, name="attention"), optimizer, [(3, 4, 6)]


def gates():
    """What had other defaults, and a function that changed its meaning: hard_sigmoid."""
    x = L.Input((3, 4, 4, 1), name="film")
    y = L.ConvLSTM2D(2, 3, padding="same", name="film_gates")(x)
    y = L.Reshape((16, 2), name="rows")(L.ThresholdedReLU(theta=0.01, name="above")(y))
    y = L.GRU(3, recurrent_activation="hard_sigmoid", return_sequences=True, name="gated")(y)
    y = L.Attention(name="attended")([y, y])
    y = L.LSTM(2, recurrent_activation="hard_sigmoid", name="long")(y)
    model = keras.models.Model(x, L.Dense(2, activation="hard_sigmoid", name="last")(y), name="gates")
    return model, keras.optimizers.Adam(0.01), [(3, 3, 4, 4, 1)]


def functions():
    """TensorFlow's functions in a graph, with its own order and defaults of arguments."""
    tf, backend = tensorflow, keras.backend
    x = L.Input((4, 6), name="x")
    y = tf.matmul(tf.pad(x, [[0, 0], [0, 0], [0, 2]]), x, transpose_a=True)[:, :4, :4]
    y = y + tf.matmul(x, x, transpose_b=True)
    parts = tf.split(x, [1, 2, 3], axis=-1)
    z = tf.concat([parts[2], parts[0], backend.l2_normalize(parts[1], axis=-1)], -1)
    z = tf.cumsum(tf.reverse(z, axis=[1]), axis=1) + tf.math.squared_difference(x, tf.roll(x, 1, axis=2))
    z = tf.tensordot(z, tf.ones((6, 4)), axes=1) + tf.math.add_n([y, y * 0.5, tf.zeros_like(y)])
    w = tf.concat([tf.norm(z, axis=-1), tf.math.top_k(z[:, 0], 2)[0], backend.squeeze(backend.max(z, 1, True), 1)], -1)
    w = tf.nn.log_softmax(0.05 * tf.where(w > 0.5, w, tf.nn.leaky_relu(w, 0.1)))
    model = keras.models.Model(x, L.Dense(2, name="last")(w), name="functions")
    return model, keras.optimizers.Adam(0.01), [(3, 4, 6)]


def save(make):
    name = make.__name__
    np.random.seed(1)
    model, optimizer, shapes = make()
    rng = np.random.RandomState(2)
    model.set_weights([np.abs(w) + 0.1 if np.all(w == 0) or np.all(w == 1) else rng.randn(*w.shape) * 0.3
                       for w in model.get_weights()])
    model.compile(optimizer, "mean_squared_error")
    x = [rng.randint(0, 7, s).astype("float32") if name == "words" else rng.randn(*s).astype("float32") for s in shapes]
    given = x if len(x) > 1 else x[0]
    y = rng.randn(*np.shape(model.predict(given))).astype("float32")
    base = os.path.join(FOLDER, name)
    for _ in range(3):
        model.train_on_batch(given, y)
    if MAJOR == 3 or MODERN and tuple(int(n) for n in VERSION.split(".")[:2]) >= (2, 12):
        model.save(base + ".keras")
    if MAJOR == 3:
        model.save_weights(base + ".weights.h5")
    try:
        model.save(base + ".h5")  # last, for Keras 3 then forgets the optimizer that a .keras file would name
    except ValueError:  # 3.0.5 gives two slots one name
        os.remove(base + ".h5")
    for i, value in enumerate(x):
        np.save("%s.x%d.npy" % (base, i), value)
    np.save(base + ".y.npy", y)
    np.save(base + ".predicted.npy", np.asarray(model.predict(given), "float32"))
    losses = []
    for _ in range(3):
        if hasattr(model, "reset_metrics"):
            model.reset_metrics()
        losses.append(float(np.ravel(model.train_on_batch(given, y))[0]))
    np.save(base + ".losses.npy", np.array(losses, "float32"))


os.makedirs(FOLDER)
old_words = [gates, functions] if MODERN and MAJOR == 2 and VERSION.startswith("2.6") else []
for one in old_words or [mlp, picture, words] + ([attention] if MODERN else []):
    save(one)
