#!/usr/bin/env python
"""Writes files/string_lookup.keras and files/text_vectorization.keras. Needs Keras 3.15 on TensorFlow, which its lookups
run on; tests/layers/categories_test.cpp holds what TensorFlow gives for the same layers."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")


def save(name, *layers):
    keras.Sequential([keras.Input((1,), dtype="string"), *layers]).save(os.path.join(FOLDER, name + ".keras"))


lookup = keras.layers.StringLookup()
lookup.adapt(np.array(["b", "a", "b", "c", "c"]))
save("string_lookup", lookup, keras.layers.Embedding(5, 2))
texts = keras.layers.TextVectorization(output_mode="tf_idf")
texts.adapt(["Hello, big World!", "hello  world\tagain"])
save("text_vectorization", texts, keras.layers.Dense(2))
