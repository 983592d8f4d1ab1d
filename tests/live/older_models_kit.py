"""The Keras that runs older_models.py, of whatever version, and what its models are made with."""

import os
import sys

os.environ.update({"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TF_ENABLE_ONEDNN_OPTS": "0"})
import numpy as np

if "tf" in sys.argv[1:]:
    import tensorflow as tf
    keras, VERSION = tf.keras, tf.__version__
else:
    import keras
    tf, VERSION = None, keras.__version__
L, M = keras.layers, keras.models
TF, NUMBERS = "tf" in sys.argv[1:], tuple(int(part) for part in VERSION.split(".")[:2])
NEW = NUMBERS >= (3, 0) and not TF
rng = np.random.RandomState(3)


def floats(*shape):
    return rng.normal(size=shape).astype("float32")


def integers(high, *shape):
    return rng.randint(0, high, shape).astype("int32")


def classes(count, *shape):
    return np.eye(count, dtype="float32")[rng.randint(0, count, shape)]


def rate(value):
    return {"learning_rate": value} if TF or NEW else {"lr": value}
