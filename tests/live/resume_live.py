"""Trains 5 steps on one side, saves, goes on for 10 on the other: the losses must be those of the side that never
changed. Pairs of a model and an optimizer, both directions, in .keras files; and in .h5 files towards Nyala, since
Keras 3 cannot go on from an .h5 file, nor from one of its own."""

import os
import subprocess
import sys
import tempfile

import keras
import numpy as np
from keras import layers as L
from keras import optimizers as O

TOOL = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "live", "training_tool")
BEFORE, AFTER, LIMIT = 5, 10, 1e-4


def dense():
    return keras.Sequential([keras.Input((6,)), L.Dense(16, activation="tanh"), L.Dense(8, activation="gelu"),
                             L.Dense(3)])


def convolutional():
    return keras.Sequential([keras.Input((8, 8, 2)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(),
                             L.MaxPooling2D(2), L.Flatten(), L.Dense(3, kernel_regularizer="l2")])


def recurrent(kind):
    return lambda: keras.Sequential([keras.Input((5, 4)), getattr(L, kind)(6), L.LayerNormalization(), L.Dense(3)])


def graph():
    a = keras.Input((6,))
    b = L.Dense(8, activation="swish")(a)
    c = L.Dense(8, activation="relu")(b)
    return keras.Model(a, L.Dense(3)(L.Add()([b, c]) * 0.5))


# What must be the same at each step of both: no dropout.
PAIRS = {
    "dense, Adam": (dense, lambda: O.Adam(0.01)),
    "convolutional, SGD with momentum": (convolutional, lambda: O.SGD(0.01, momentum=0.9, nesterov=True)),
    "LSTM, RMSprop": (recurrent("LSTM"), lambda: O.RMSprop(0.005, momentum=0.5, centered=True)),
    "GRU, Nadam": (recurrent("GRU"), lambda: O.Nadam(0.01)),
    "graph, AdamW with a schedule": (
        graph, lambda: O.AdamW(O.schedules.CosineDecay(0.02, 12), weight_decay=0.01, clipnorm=1.0)),
    "dense, Adam with amsgrad and moving averages": (
        dense, lambda: O.Adam(0.01, amsgrad=True, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=4)),
    "dense, accumulated gradients": (dense, lambda: O.Adam(0.01, gradient_accumulation_steps=3)),
    "convolutional, Adamax": (convolutional, lambda: O.Adamax(0.01)),
    "dense, Adagrad": (dense, lambda: O.Adagrad(0.05)),
    "dense, Adadelta": (dense, lambda: O.Adadelta(1.0)),
    "dense, Ftrl": (dense, lambda: O.Ftrl(0.05, l1_regularization_strength=0.001)),
    "dense, Lion": (dense, lambda: O.Lion(0.003)),
    "dense, Adafactor": (dense, lambda: O.Adafactor(0.02)),
    "graph, Lamb": (graph, lambda: O.Lamb(0.02)),
}


def train(model, x, y, steps):
    return [float(model.train_on_batch(x, y, return_dict=True)["loss"]) for _ in range(steps)]


def nyala(x, y, *runs):
    """Losses of runs (from, steps, to), each its own process' model."""
    arguments = [str(part) for run in runs for part in run]
    done = subprocess.run([TOOL, "resume", x, y, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return [[float(number) for number in line.split()] for line in done.stdout.splitlines()]


def worst(found, expected):
    return max(abs(a - b) / max(abs(b), 1e-6) for a, b in zip(found, expected, strict=True))


def compare(make_model, make_optimizer, folder):
    at = {name: os.path.join(folder, name + ".keras") for name in ("start", "keras", "nyala")}
    legacy = os.path.join(folder, "keras.h5")
    files = [os.path.join(folder, name) for name in ("x.npy", "y.npy")]
    keras.utils.set_random_seed(3)
    model = make_model()
    model.compile(make_optimizer(), "mse")
    random = np.random.default_rng(1)
    x = random.normal(size=(16, *model.input_shape[1:])).astype("float32")
    y = random.normal(size=(16, 3)).astype("float32")
    for file, array in zip(files, (x, y)):
        np.save(file, array)
    model.optimizer.build(model.trainable_variables)
    model.save(at["start"])
    train(model, x, y, BEFORE)
    model.save(at["keras"])
    froms = [at["keras"]]
    # Keras writes neither Adafactor's state nor an operation like * 0.5 so that it could be read again.
    if isinstance(model, keras.Sequential) and not isinstance(model.optimizer, O.Adafactor):
        model.save(legacy)
        froms.append(legacy)
    expected = train(model, x, y, AFTER)
    # Keras began, Nyala goes on.
    to_nyala = nyala(*files, *((file, AFTER, "-") for file in froms))
    # Nyala begins, Keras goes on beside it.
    straight, _ = nyala(*files, (at["start"], BEFORE + AFTER, "-"), (at["start"], BEFORE, at["nyala"]))
    to_keras = train(keras.models.load_model(at["nyala"]), x, y, AFTER)
    return [worst(to_keras, straight[BEFORE:]), *(worst(losses, expected) for losses in to_nyala)]


def main():
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (make_model, make_optimizer) in PAIRS.items():
            try:
                differences = compare(make_model, make_optimizer, folder)
            except Exception as error:  # one pair must not hide the others
                failures.append(name)
                print(f"{name}: {type(error).__name__}: {error}")
                continue
            shown = ", ".join(f"{difference:.1e}" for difference in differences)
            print(f"{name}: Nyala to Keras, Keras to Nyala (.keras, .h5): {shown}")
            if not max(differences) <= LIMIT:
                failures.append(name)
    if failures:
        sys.exit(f"of {len(PAIRS)} pairs these differ by more than {LIMIT}: {failures}")
    print(f"{len(PAIRS)} pairs go on alike on both sides")


main()
