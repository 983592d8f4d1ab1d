"""Training curves: small models, Keras' starting weights, 20 steps in a fixed order, the logs after each step."""

import golden_io as g
import keras
import numpy as np

layers, optimizers = keras.layers, keras.optimizers
STEPS, BATCH = 20, 7
EXACT = True  # the starting weights are Keras' own, not rounded ones


def dense_regression(rng):
    model = keras.Sequential([layers.Input((3,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])
    x = g.normal(rng, (40, 3))
    y = (x[:, :1] * 0.7 - x[:, 1:2] ** 2 * 0.3).astype("float32")
    return model, x, np.round(y, 3), dict(optimizer=optimizers.Adam(0.02), loss="mse", metrics=["mae"])


def softmax_classifier(rng):
    model = keras.Sequential([
        layers.Input((4,)), layers.Dense(9, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
        layers.Dense(3, activation="softmax", kernel_regularizer="l2")])
    x = g.normal(rng, (45, 4))
    y = np.argmax(x[:, :3], axis=1).astype("int32")
    return model, x, y, dict(optimizer=optimizers.SGD(0.1, momentum=0.9), loss="sparse_categorical_crossentropy",
                             metrics=["accuracy"])


def convolution(rng):
    model = keras.Sequential([
        layers.Input((6, 6, 2)), layers.Conv2D(4, 3, padding="same", use_bias=False), layers.BatchNormalization(),
        layers.Activation("relu"), layers.MaxPooling2D(2), layers.Conv2D(3, 2, activation="relu"),
        layers.Flatten(), layers.Dense(3)])
    x = g.normal(rng, (30, 6, 6, 2))
    y = np.eye(3, dtype="float32")[rng.integers(0, 3, 30)]
    return model, x, y, dict(optimizer=optimizers.RMSprop(0.003),
                             loss=keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"])


def recurrent(rng):
    model = keras.Sequential([
        layers.Input((5,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True), layers.LSTM(5),
        layers.Dense(1, activation="sigmoid")])
    x = g.integers(rng, (36, 5), 1, 9)
    for row, length in enumerate(rng.integers(1, 6, 36)):
        x[row, length:] = 0
    y = (np.sum(x, axis=1, keepdims=True) % 2).astype("float32")
    return model, x, y, dict(optimizer=optimizers.AdamW(0.01, weight_decay=0.02), loss="binary_crossentropy",
                             metrics=["accuracy"])


def two_inputs(rng):
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    shared = layers.Dense(4, activation="elu", name="shared")
    left, right = shared(a), shared(layers.Dense(3, name="widen")(b))
    both = layers.Concatenate(name="both")([left, layers.Multiply(name="product")([left, right])])
    price = layers.Dense(1, name="price")(both)
    kind = layers.Dense(3, activation="softmax", name="kind")(layers.Add(name="sum")([left, right]))
    model = keras.Model([a, b], [price, kind], name="two_inputs")
    x = [g.normal(rng, (32, 3)), g.normal(rng, (32, 2))]
    y = [np.round(x[0][:, :1] * x[1][:, :1], 3), np.argmax(x[0], axis=1).astype("int32")]
    return model, x, y, dict(optimizer=optimizers.Adam(0.02), loss=["huber", "sparse_categorical_crossentropy"],
                             loss_weights=[1.0, 0.4], metrics=[["mae"], ["accuracy"]])


def attention(rng):
    x = keras.Input((4, 6), name="x")
    mixed = layers.MultiHeadAttention(num_heads=2, key_dim=3, name="attention")(x, x)
    h = layers.LayerNormalization(name="norm")(layers.Add(name="residual")([x, mixed]))
    h = layers.Dense(5, activation="gelu", name="feed")(h)
    y = layers.Dense(2, name="head")(layers.GlobalAveragePooling1D(name="pool")(h))
    model = keras.Model(x, y, name="attention_model")
    data = g.normal(rng, (30, 4, 6))
    target = np.round(np.stack([data.mean((1, 2)), data.max((1, 2))], axis=1), 3).astype("float32")
    schedule = optimizers.schedules.CosineDecay(0.005, 15, alpha=0.1, warmup_target=0.03, warmup_steps=4)
    return model, data, target, dict(optimizer=optimizers.Adam(schedule, clipnorm=0.5), loss="mse",
                                     metrics=["mse", keras.metrics.RootMeanSquaredError()])


MODELS = [dense_regression, softmax_classifier, convolution, recurrent, two_inputs, attention]


def _serialised(value):
    if isinstance(value, (list, tuple)):
        return [_serialised(v) for v in value]
    return value if isinstance(value, (str, float)) else keras.saving.serialize_keras_object(value)


def run(maker):
    name = maker.__name__
    g.reset()
    rng = g.rng_for(name)
    model, x, y, compile_arguments = maker(rng)
    model.compile(**compile_arguments)
    start = [np.asarray(w.value) for w in model.weights]
    paths = [w.path for w in model.weights]
    many_in, many_out = isinstance(x, list), isinstance(y, list)
    xs, ys = x if many_in else [x], y if many_out else [y]
    count = len(xs[0])
    rows = []
    for step in range(STEPS):
        at = (np.arange(BATCH) + step * BATCH) % count
        batch_x, batch_y = [v[at] for v in xs], [v[at] for v in ys]
        logs = model.train_on_batch(batch_x if many_in else batch_x[0], batch_y if many_out else batch_y[0],
                                    return_dict=True)
        rows.append({k: float(v) for k, v in logs.items()})
    outputs = model.predict(xs if many_in else xs[0], batch_size=BATCH, verbose=0)
    evaluated = model.evaluate(xs if many_in else xs[0], ys if many_out else ys[0], batch_size=BATCH, verbose=0,
                               return_dict=True)
    return dict(name=name, model=keras.saving.serialize_keras_object(model), x=xs, y=ys, batch_size=BATCH,
                compile={k: _serialised(v) for k, v in compile_arguments.items()}, weight_paths=paths, weights=start,
                logs=rows, final_weights=[np.asarray(w.value) for w in model.weights],
                predictions=[np.asarray(o) for o in (outputs if many_out else [outputs])],
                evaluate={k: float(v) for k, v in evaluated.items()})


def make(directory):
    return [run(maker) for maker in MODELS]
