"""Remakes files/versions/meanings_<version>/ and files/meanings/: small files of what older Kerases computed otherwise.
usage: KERAS_BACKEND=jax python make_old_meanings.py [tf]   (tf: TensorFlow's own Keras)

Made with keras==2.3.1 tensorflow==1.15.5 (KERAS_BACKEND=tensorflow), tensorflow-cpu==2.4.4, 2.13.1 and 2.15.1,
keras==3.3.3, 3.6.0 and 3.15.1 jax; masked_attention of 3.6 with TensorFlow, as no mask holds on arrays of later JAX."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

if "tf" in sys.argv[1:]:
    import tensorflow
    keras = tensorflow.keras
    NAME = "tf" + tensorflow.__version__
else:
    import keras
    NAME = "keras" + keras.__version__
L, O = keras.layers, keras.optimizers
MAJOR = 3 if NAME.startswith("keras3") else 2
ENDING = ".keras" if MAJOR == 3 else ".h5"
HERE = os.path.dirname(os.path.abspath(__file__))
rate = {"lr": 0.01} if NAME.startswith("keras2") else {"learning_rate": 0.01}


def record(base, model, x, y):
    """Saves a model, what it predicts and the losses of three steps."""
    model.save(base + ENDING)
    np.save(base + ".x0.npy", x)
    np.save(base + ".y.npy", y)
    np.save(base + ".predicted.npy", np.asarray(model.predict(x), "float32"))
    losses = []
    for _ in range(3):
        if hasattr(model, "reset_metrics"):
            model.reset_metrics()
        losses.append(float(np.ravel(model.train_on_batch(x, y))[0]))
    np.save(base + ".losses.npy", np.array(losses, "float32"))


def trained(name, optimizer, between=None, **first):
    """A network that trains three steps and is saved; what it predicts, and the losses of three more."""
    folder = os.path.join(HERE, "files", "versions", "meanings_" + NAME)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    rng = np.random.RandomState(0)
    x, y = rng.randn(6, 3).astype("float32"), rng.randn(6, 2).astype("float32")
    given = L.Input((3,), name="x")
    hidden = L.Dense(5, activation="tanh", name="first", **first)(given)
    model = keras.models.Model(given, L.Dense(2, name="last")(between(hidden) if between else hidden), name=name)
    model.set_weights([rng.randn(*w.shape) * 0.4 for w in model.get_weights()])
    model.compile(optimizer, "mean_squared_error")
    for _ in range(3):
        model.train_on_batch(x, y)
    record(os.path.join(folder, name), model, x, y)


def masked_attention(name):
    """A block of a transformer over masked words: since 3.8 the words' mask ends at the attention."""
    folder = os.path.join(HERE, "files", "versions", "meanings_" + NAME)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    rng = np.random.RandomState(0)
    given = L.Input((5,), dtype="int32", name="x")
    words = L.Embedding(9, 4, mask_zero=True, name="words")(given)
    sum_ = L.Add(name="sum")([words, L.MultiHeadAttention(2, 3, name="attention")(words, words)])
    model = keras.models.Model(given, L.Dense(1, name="last")(sum_), name=name)
    x = np.array([[1, 2, 3, 0, 0], [4, 5, 0, 0, 0], [6, 7, 8, 1, 2], [3, 0, 0, 0, 0]], "int32")
    y = rng.randn(4, 5, 1).astype("float32")
    model.set_weights([rng.randn(*w.shape) * 0.4 for w in model.get_weights()])
    model.compile(O.SGD(**rate), "mean_squared_error")
    record(os.path.join(folder, name), model, x, y)


def locally(name, layer, shape):
    """A layer of which Keras 3 has nothing: each place has weights of its own."""
    folder = os.path.join(HERE, "files", "versions", "local_" + NAME)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    rng = np.random.RandomState(0)
    given = L.Input(shape, name="x")
    model = keras.models.Model(given, L.Dense(2, name="last")(L.Flatten(name="flat")(layer(given))), name=name)
    x, y = rng.randn(*(3,) + shape).astype("float32"), rng.randn(3, 2).astype("float32")
    model.set_weights([rng.randn(*w.shape) * 0.4 for w in model.get_weights()])
    model.compile(O.SGD(**rate), "mean_squared_error")
    record(os.path.join(folder, name), model, x, y)


def predicted(name, inputs, model):
    """A model without weights, its inputs and what it makes of them at inference."""
    folder = os.path.join(HERE, "files", "meanings")
    if not os.path.isdir(folder):
        os.makedirs(folder)
    base = os.path.join(folder, "%s_%s" % (NAME, name))
    model.save(base + ENDING)
    for i, value in enumerate(inputs):
        np.save("%s.x%d.npy" % (base, i), value)
    np.save(base + ".predicted.npy", np.asarray(model.predict(inputs if len(inputs) > 1 else inputs[0])))


if NAME.startswith("keras2"):
    trained("rmsprop", O.RMSprop(epsilon=0.01, **rate))
    trained("adagrad", O.Adagrad(epsilon=0.01, **rate))
    trained("clipped", O.SGD(clipnorm=0.5, **rate))
if NAME.startswith("tf2.4"):
    trained("rmsprop", O.RMSprop(epsilon=0.01, centered=True, **rate))
    trained("rmsprop_momentum", O.RMSprop(epsilon=0.01, momentum=0.5, centered=True, **rate))
    trained("adagrad", O.Adagrad(epsilon=0.01, **rate))
    trained("nadam", O.Nadam(**rate))
if NAME.startswith("tf2.13"):
    trained("rmsprop", O.legacy.RMSprop(epsilon=0.01, **rate))
    trained("nadam", O.legacy.Nadam(**rate))
if not NAME.startswith(("tf2.13", "keras3.3")):  # 3.3 forgets it in its files
    trained("activity", O.SGD(**rate), activity_regularizer=keras.regularizers.l2(0.3))
trained("activity_layer", O.SGD(**rate), between=L.ActivityRegularization(l2=0.3, name="penalty"))
if MAJOR == 3 or NAME.startswith(("tf2.13", "tf2.15")):
    masked_attention("masked_attention")
if MAJOR == 3 or NAME.startswith("tf2.13"):
    rng = np.random.RandomState(0)
    for height, width in ((6, 9), (3, 9)):
        image = L.Input((height, width, 1))
        predicted("crop%dx%d" % (height, width), [rng.rand(2, height, width, 1).astype("float32")],
                  keras.models.Model(image, L.RandomCrop(4, 5, name="crop")(image)))
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1]], "bool")
    a, b = L.Input((3, 4)), L.Input((3, 4), dtype="bool")
    predicted("softmax", [rng.randn(2, 3, 4).astype("float32"), np.stack([mask, mask[::-1]])],
              keras.models.Model([a, b], L.Softmax(name="likely")(a, mask=b)))
if MAJOR == 2:
    for name, shape in (("channels_last", (3, 4, 2)), ("channels_first", (2, 3, 4))):
        image = L.Input(shape)
        up = L.UpSampling2D((2, 3), interpolation="bilinear", data_format=name, name="up")
        if name == "channels_last" or NAME.startswith("keras2"):
            predicted("up_" + name, [np.random.RandomState(0).rand(2, *shape).astype("float32")],
                      keras.models.Model(image, up(image)))
    for how in (1, 2, 3) if NAME.startswith("tf") else (1,):
        more = {"implementation": how} if NAME.startswith("tf") else {}
        same = {"padding": "same"} if how > 1 else {}
        locally("line%d" % how, L.LocallyConnected1D(2, 3, strides=2, activation="tanh", name="own", **more, **same), (7, 2))
        locally("plane%d" % how, L.LocallyConnected2D(2, (3, 2), name="own", **more, **same), (4, 5, 2))
    locally("first", L.LocallyConnected2D(2, (2, 3), strides=(1, 2), data_format="channels_first", name="own"), (2, 3, 5))
    if NAME.startswith("tf"):
        locally("first3", L.LocallyConnected1D(3, 2, data_format="channels_first", implementation=3, name="own"), (2, 5))
        locally("first2", L.LocallyConnected1D(3, 2, data_format="channels_first", implementation=2, name="own"), (2, 5))
