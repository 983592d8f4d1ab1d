"""The layers that know words and numbers (lookups, hashes, bins, statistics), on TensorFlow, as Keras needs it there:
Keras saves, Nyala predicts and saves again, Keras loads that and predicts the same from the same config."""

import os
import subprocess
import sys
import tempfile

from older_keras_live import installed
from tf_keras_live import VERSIONS

INSIDE = "inside" in sys.argv[1:]


def cases(L, np):
    """Name, layer, data to adapt to or None, input."""
    whole = np.array([[3, 1, 7, 0], [5, 5, 2, 3]], "int64")
    real = np.array([[0.3, 1.2, -2], [4, 0, 0.7]], "float32")
    words, text = np.array([["a", "b"], ["zz", "c"]]), np.array(["the cat sat", "on the MAT! ok"])
    for mode in ("int", "one_hot", "multi_hot", "count"):
        place = slice(0, 1) if mode == "one_hot" else slice(None)
        yield f"numbers {mode}", L.IntegerLookup(vocabulary=[1, 3, 5], output_mode=mode), None, whole[:, place]
        yield f"words {mode}", L.StringLookup(vocabulary=["a", "b", "c"], output_mode=mode), None, words[:, place]
    yield "numbers adapted", L.IntegerLookup(num_oov_indices=2), whole, whole
    yield "numbers tf_idf", L.IntegerLookup(output_mode="tf_idf"), whole, whole
    yield "numbers given idf", L.IntegerLookup(
        vocabulary=[1, 3, 5], idf_weights=[0.5, 0.7, 0.9], output_mode="tf_idf"), None, whole
    yield "words adapted", L.StringLookup(), words, words
    yield "words back", L.StringLookup(vocabulary=["a", "b", "c"], invert=True), None, whole
    yield "words tf_idf", L.StringLookup(output_mode="tf_idf"), words, words
    for mode in ("int", "multi_hot", "count", "tf_idf"):
        options = {"output_sequence_length": 5} if mode == "int" else {"ngrams": 2}
        yield f"text {mode}", L.TextVectorization(output_mode=mode, **options), text, text
    yield "text given", L.TextVectorization(vocabulary=["the", "cat"], standardize="lower"), None, text
    yield "hashes", L.Hashing(5), None, whole
    yield "hashes of words", L.Hashing(5, salt=[3, 4], mask_value="a"), None, words
    for mode in ("one_hot", "multi_hot", "count"):
        yield f"categories {mode}", L.CategoryEncoding(8, output_mode=mode), None, whole
    yield "bins adapted", L.Discretization(num_bins=3), real, real
    yield "bins", L.Discretization([0.0, 1.0], output_mode="one_hot"), None, real[:, :1]
    yield "normal", L.Normalization(), real, real
    yield "normal as one", L.Normalization(axis=None), real, real
    yield "normal given", L.Normalization(mean=[1.0, 2, 3], variance=[2.0, 3, 4]), None, real
    yield "normal back", L.Normalization(invert=True), real, real


def inside():
    import keras
    import numpy as np
    import tensorflow as tf
    from files_live import Jobs

    def predict(model, x):
        return np.asarray(model(tf.constant(x)))

    def same(a, b):
        if a.dtype.kind in "SO" or b.dtype.kind in "SO":
            return a.shape == b.shape and bool(np.all(a == b))
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-5)

    failures, made = [], []
    with tempfile.TemporaryDirectory(prefix="nyala_lookups_") as folder:
        jobs = Jobs(folder)
        for name, layer, data, x in cases(keras.layers, np):
            if data is not None:
                layer.adapt(data)
            first = keras.Input(x.shape[1:], dtype="string" if x.dtype.kind == "U" else x.dtype.name)
            model = keras.Model(first, layer(first))
            base = os.path.join(folder, name.replace(" ", "_"))
            model.save(base + ".keras")
            jobs.add("save", base + ".keras", base + ".again.keras")
            expected = predict(model, x)
            judged = x.dtype.kind != "U" and expected.dtype.kind not in "SO"
            if judged:
                np.save(base + ".x.npy", x)
                jobs.add("run", base + ".keras", "-", base + ".y", base + ".x.npy")
            made.append((name, base, model, x, expected, judged))
        answers = iter(jobs.run())
        for name, base, model, x, expected, judged in made:
            saved = next(answers)
            ran = next(answers) if judged else "ok"
            if saved != "ok" or ran != "ok":
                failures.append(f"{name}: {saved}; {ran}")
                continue
            if judged and not same(np.load(base + ".y.0.npy"), expected):
                failures.append(f"{name}: Nyala predicts {np.load(base + '.y.0.npy')} instead of {expected}")
            again = keras.saving.load_model(base + ".again.keras")
            if not same(predict(again, x), expected):
                failures.append(f"{name}: Keras predicts {predict(again, x)} instead of {expected}")
            if again.layers[-1].get_config() != model.layers[-1].get_config():
                failures.append(f"{name}: another config")
    for failure in failures:
        print(failure)
    print(f"{len(made)} layers, {len(failures)} failures")
    return 1 if failures or not made else 0


def main():
    if INSIDE:
        return inside()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    packages = installed("tf_keras", [f"{name}=={version}" for name, version in VERSIONS.items()])
    environment.update({"PYTHONPATH": packages,
                        "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""})
    return subprocess.run([sys.executable, "-W", "ignore", os.path.abspath(__file__), "inside"], env=environment,
                          stderr=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
