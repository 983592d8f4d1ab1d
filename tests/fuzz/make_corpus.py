"""Remakes the seeds in corpus/ with the installed Keras: small models, so that the fuzzer soon meets everything."""

import os
import shutil

os.environ.setdefault("KERAS_BACKEND", "jax")
import h5py
import keras
import numpy as np
from keras import layers as L

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def models():
    dense = keras.Sequential([keras.Input((2,)), L.Dense(2, activation="relu"), L.Dense(1)], name="s")
    dense.compile("adam", keras.losses.MeanSquaredError())
    yield "dense", dense
    a = keras.Input((2,), name="a")
    shared = L.Dense(2, name="d")
    yield "graph", keras.Model(a, L.Add()([shared(a), shared(a * 2.0)]), name="g")
    yield "norm", keras.Sequential([keras.Input((3, 2)), L.LSTM(2), L.BatchNormalization()], name="r")


for name, model in models():
    model.save(os.path.join(HERE, "keras", name + ".keras"))
    model.save(os.path.join(HERE, "h5", name + ".h5"))
    with open(os.path.join(HERE, "config", name + ".json"), "w", encoding="utf-8") as file:
        file.write(model.to_json())
with h5py.File(os.path.join(HERE, "h5", "kinds.h5"), "w") as file:
    file.create_dataset("packed", data=np.arange(64.0).reshape(8, 8), chunks=(4, 8), compression="gzip", shuffle=True,
                        fletcher32=True)
    file["soft"] = h5py.SoftLink("/packed")
    file["out"] = h5py.ExternalLink("other.h5", "/x")
    file["group/again"] = file["packed"]
    file["bool"] = np.array([True, False])
    file.attrs["names"] = [b"a", b"bc"]
    file.attrs["fixed"] = np.array([b"a", b"bc"])
    file.attrs["empty"] = []
with h5py.File(os.path.join(HERE, "h5", "latest.h5"), "w", libver="latest") as file:
    file["group/x"] = np.arange(3.0)
    file.attrs["a"] = "b"
for name, golden in (("indexes", "latest.weights.h5"), ("heap", "latest.h5")):
    shutil.copyfile(os.path.join(HERE, "..", "..", "golden", "files", golden), os.path.join(HERE, "h5", name + ".h5"))
