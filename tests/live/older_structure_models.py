"""Models out of the ordinary: several inputs and outputs, nested ones, arithmetic, losses and names of old. Each
function gives a model, its inputs, and its targets or None."""

import numpy as np

from older_models_kit import L, M, NEW, NUMBERS, TF, classes, floats, integers, keras, rate, tf


def tickets():
    title, tags = L.Input((6,), name="title", dtype="int32"), L.Input((4,), name="tags")
    x = L.concatenate([L.LSTM(5)(L.Embedding(10, 4)(title)), tags])
    priority = L.Dense(1, activation="sigmoid", name="priority")(x)
    model = M.Model([title, tags], [priority, L.Dense(3, activation="softmax", name="department")(x)])
    model.compile(optimizer=keras.optimizers.RMSprop(**rate(0.003)),
                  loss={"priority": "binary_crossentropy", "department": "categorical_crossentropy"},
                  loss_weights={"priority": 1.0, "department": 0.2},
                  metrics={"priority": ["mae"], "department": ["accuracy"]})
    return model, [integers(10, 5, 6), floats(5, 4)], [integers(2, 5, 1).astype("float32"), classes(3, 5)]


def nested():
    a = L.Input((4,), name="innermost_in")
    innermost = M.Model(a, L.BatchNormalization()(L.Dense(4, activation="tanh")(a)), name="innermost")
    b = L.Input((4,), name="middle_in")
    middle = M.Model(b, L.add([innermost(b), L.Dense(4)(innermost(innermost(b)))]), name="middle")
    tail = M.Sequential([L.Dense(3, input_shape=(4,)), L.Dense(2)], name="tail")
    c = L.Input((4,))
    model = M.Model(c, tail(middle(c)))
    model.compile(keras.optimizers.Adamax(**rate(0.01)), "mean_squared_error")
    return model, [floats(6, 4)], [floats(6, 2)]


def prepared():
    P = L.experimental.preprocessing if TF and NUMBERS < (2, 6) else L
    normal = P.Normalization(axis=-1)
    normal.adapt(floats(20, 3) * 3 + 1)
    numbers, kind, image = L.Input((3,)), L.Input((1,), dtype="int32"), L.Input((8, 8, 3))
    encoded = (P.CategoryEncoding(num_tokens=4, output_mode="multi_hot") if NEW or NUMBERS >= (2, 6) else
               P.CategoryEncoding(max_tokens=4, output_mode="binary"))(kind)
    x = P.Rescaling(1.0 / 127.5, offset=-1)(P.Resizing(6, 6)(image))
    x = L.Flatten()(L.Conv2D(2, 3)(P.CenterCrop(4, 4)(P.RandomFlip("horizontal")(x))))
    model = M.Model([numbers, kind, image], L.Dense(1)(L.concatenate([normal(numbers), encoded, x])))
    return model, [floats(4, 3), integers(4, 4, 1), floats(4, 8, 8, 3)], None


def wide_and_deep():
    wide, deep = L.Input((6,), name="wide"), L.Input((5,), name="deep")
    x = deep
    for width in (8, 4):
        x = L.Dense(width, kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.3, seed=1),
                    bias_initializer=keras.initializers.Constant(0.1))(x)
        x = L.PReLU()(x)
    x = L.GaussianNoise(0.0)(L.AlphaDropout(0.0)(x))
    model = M.Model([wide, deep], L.Dense(1, kernel_constraint=keras.constraints.NonNeg(),
                                          activity_regularizer=keras.regularizers.l1(0.01))(L.concatenate([wide, x])))
    model.compile(keras.optimizers.Ftrl(learning_rate=0.1) if TF or NEW else keras.optimizers.Adadelta(**rate(1.0)),
                  keras.losses.Huber() if TF or NUMBERS >= (2, 4) else keras.losses.MeanAbsoluteError(),
                  metrics=["mse", keras.metrics.RootMeanSquaredError()])
    return model, [floats(6, 6), floats(6, 5)], [floats(6, 1)]


def merges():
    a, b = L.Input((3, 4)), L.Input((3, 4))
    parts = [L.Maximum()([a, b]), L.Minimum()([a, b]), L.Average()([a, b]), L.dot([a, b], axes=2, normalize=True)]
    x = L.Permute((2, 1))(L.Concatenate()(parts))
    x = L.LayerNormalization(axis=-1)(L.Softmax(axis=1)(x)) if TF or NEW else L.Softmax(axis=1)(x)
    x = L.ThresholdedReLU(0.01)(x) if not NEW else x
    x = L.ELU(0.5)(L.LocallyConnected1D(2, 2)(x)) if not NEW else L.ELU(0.5)(x)
    model = M.Model([a, b], L.Dense(2)(L.Flatten()(x)))
    model.compile("sgd", "squared_hinge")
    return model, [floats(4, 3, 4), floats(4, 3, 4)], [np.sign(floats(4, 2))]


def recommender():
    user, item = L.Input((1,), name="user"), L.Input((1,), name="item")
    u = L.Flatten(name="flat_user")(L.Embedding(8, 4, embeddings_initializer="uniform", name="users")(user))
    held = {"embeddings_constraint": keras.constraints.MaxNorm(2)} if NEW else {}
    i = L.Flatten(name="flat_item")(L.Embedding(9, 4, **held)(item))
    model = M.Model([user, item], L.Dot(axes=1)([u, i]))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True) if TF or NEW else 0.05
    model.compile(keras.optimizers.SGD(schedule, momentum=0.8), "mse")
    return model, [integers(8, 6, 1).astype("float32"), integers(9, 6, 1).astype("float32")], [floats(6, 1)]


def late():
    """Built by what it is given first."""
    model = M.Sequential([L.Dense(4, activation="relu"), L.BatchNormalization(), L.Dense(2)], name="late")
    model.compile("adam", "mse")
    model.train_on_batch(floats(6, 3), floats(6, 2))
    return model, [floats(6, 3)], [floats(6, 2)]


def penalised():
    x = L.Input((5,))
    h = L.Dense(4, activation="tanh")(x)
    h = L.ActivityRegularization(l1=0.01, l2=0.02)(h)
    model = M.Model(x, L.Dense(2)(h))
    model.compile(keras.optimizers.Adam(decay=0.01, **rate(0.01)) if not NEW and not (TF and NUMBERS > (2, 10)) else
                  keras.optimizers.AdamW(0.01, weight_decay=0.02, clipvalue=0.5), "mse")
    return model, [floats(6, 5)], [floats(6, 2)]


def arithmetic():
    x, y = L.Input((4, 3)), L.Input((4, 3))
    z = (x * 2.0 - y / 4.0 + 1.0) ** 2 - abs(x)
    z = z[:, 1:, ::2] + (1.0 - y[:, :3, 0:2])
    if NEW:
        z = keras.ops.concatenate([keras.ops.mean(z, axis=1), keras.ops.max(x, axis=1)], axis=-1)
        z = keras.ops.where(z > 1.0, keras.ops.sqrt(keras.ops.abs(z)), -z)
    else:
        z = tf.concat([tf.reduce_mean(z, axis=1), tf.reduce_max(x, axis=1)], axis=-1)
        z = tf.where(z > 1.0, tf.sqrt(tf.abs(z)), -z)
    model = M.Model([x, y], L.Dense(2)(z))
    model.compile("adam", "mse")
    return model, [floats(4, 4, 3), floats(4, 4, 3)], [floats(4, 2)]


def slashes():
    """Names that Keras 3 has no more."""
    x = L.Input((5,), name="in/put")
    h = L.BatchNormalization(name="block/one/bn")(L.Dense(4, name="block/one/dense")(x))
    model = M.Model(x, L.Dense(2, name="block/two")(h))
    model.compile("adam", "mse")
    return model, [floats(6, 5)], [floats(6, 2)]


def added_loss():
    x = L.Input((5,))
    h = L.Dense(3)(x)
    model = M.Model(x, L.Dense(2)(h))
    model.add_loss(0.1 * tf.reduce_mean(tf.square(h)))
    model.compile("adam", "mse")
    return model, [floats(6, 5)], [floats(6, 2)]


def vae():
    class Sampling(L.Layer):
        def call(self, inputs):
            return inputs[0] + 0.0 * inputs[1]
    x = L.Input((6,))
    z = Sampling()([L.Dense(2, name="z_mean")(x), L.Dense(2, name="z_log_var")(x)])
    return M.Model(x, L.Dense(6)(z)), [floats(4, 6)], None
