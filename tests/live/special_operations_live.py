"""Operations as nodes of a graph, the last of keras.ops: decompositions, counts, CTC, spectra and moved pictures. One
model of all of them, saved, and run by Nyala. Those that hold Python's functions are refused by name."""

import json
import os
import sys
import tempfile
import warnings
import zipfile

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import keras
import numpy as np
from files_live import Jobs
from keras import ops


def nodes(symmetric, wide, whole, line, labels, steps, lengths, step_lengths, real, imaginary, images, scale, shift):
    """The first axis of all is the batch, for predict's sake; those of one axis are the first of their two rows."""
    whole, line, scale, shift = whole[0], line[0], scale[0], shift[0]
    values, vectors = ops.eigh(symmetric)
    yield from (values, ops.abs(vectors), *ops.lu_factor(wide), ops.bincount(whole, minlength=6))
    yield from (*ops.histogram(line, bins=4), *ops.histogram(line, bins=3, range=(-1.0, 1.0)))
    yield from ops.unique(whole, size=7, return_index=True, return_inverse=True, return_counts=True)
    yield from (*ops.unique(whole, size=7, fill_value=9, return_counts=True), ops.unique(whole, size=3))
    yield from (ops.view(line, "int32"), ops.view(whole, "int8"))
    yield from (ops.ctc_loss(labels, steps, lengths, step_lengths),
                ops.ctc_loss(labels, steps, lengths, step_lengths, mask_index=4))
    yield from (*ops.ctc_decode(steps, step_lengths),
                *ops.ctc_decode(steps, step_lengths, merge_repeated=False, mask_index=2),
                *ops.ctc_decode(steps, step_lengths, "beam_search", beam_width=7, top_paths=3),
                *ops.ctc_decode(steps, ops.cast(step_lengths, "float32") - 0.5, "beam_search", mask_index=1))
    spectrum = (real, imaginary)
    yield from (ops.istft(spectrum, 12, 4, 16), ops.istft(spectrum, 16, 5, 16, window="hamming", center=False),
                ops.istft(spectrum, 16, 4, 16, window=None, length=10))
    yield ops.image.extract_patches_3d(ops.expand_dims(images, 1), (1, 2, 3), (1, 1, 2), padding="same")
    yield from (ops.signbit(line * 0.0), ops.fabs(whole), ops.max(whole, initial=3))
    holes = ops.where(line > 1.0, float("nan"), line)
    for method in ("lower", "higher", "midpoint", "nearest"):
        yield ops.nanquantile(holes, [0.2, 0.5, 0.9], axis=0, method=method)
    for method in ("linear", "cubic", "lanczos3", "lanczos5"):
        yield ops.image.scale_and_translate(images, (2, 8, 5, 3), scale, shift, (1, 2), method,
                                            antialias=method != "cubic")


def given():
    rng = np.random.default_rng(0)
    square = rng.normal(size=(2, 3, 3))
    real, imaginary = rng.normal(size=(2, 2, 5, 9))
    imaginary[..., [0, -1]] = 0
    floats = {0: square + square.transpose(0, 2, 1), 1: rng.normal(size=(2, 3, 4)), 3: rng.normal(size=(2, 9)),
              5: rng.normal(size=(2, 8, 5)), 8: real, 9: imaginary, 10: rng.uniform(size=(2, 5, 6, 3)),
              11: np.array([[1.5, 0.7]] * 2), 12: np.array([[0.4, -1.2]] * 2)}
    whole = {2: rng.integers(0, 6, (2, 7)), 4: np.array([[1, 2, 2, 0], [3, 1, 0, 0]]), 6: np.array([3, 2]),
             7: np.array([8, 6])}
    return [floats[i].astype("float32") if i in floats else whole[i].astype("int32") for i in range(13)]


def refusals(folder):
    """Files that name an operation which cannot be a node, and a word that the error must hold."""
    x = keras.Input((3,), name="x")
    base = os.path.join(folder, "plain.keras")
    keras.Model(x, ops.relu(x)).save(base)
    for name, module, word in (("Map", "core", "never executed"), ("WhileLoop", "core", "register_layer"),
                               ("Cond", "core", "never executed"), ("Eig", "linalg", "complex"),
                               ("Nonzero", "numpy", "where"), ("ElasticTransform", "image", "RandomElasticTransform")):
        path = os.path.join(folder, name + ".keras")
        with zipfile.ZipFile(base) as source, zipfile.ZipFile(path, "w") as target:
            for member in source.namelist():
                data = source.read(member)
                if member == "config.json":
                    config = json.loads(data)
                    config["config"]["layers"][1].update(
                        {"class_name": name, "registered_name": name, "module": "keras.src.ops." + module})
                    data = json.dumps(config).encode()
                target.writestr(member, data)
        yield path, word


def main():
    warnings.simplefilter("ignore")
    values = given()
    inputs = [keras.Input(batch_shape=value.shape, dtype=value.dtype.name) for value in values]
    model = keras.Model(inputs, list(nodes(*inputs)))
    failures = []
    with tempfile.TemporaryDirectory(prefix="nyala_special_") as folder:
        base = os.path.join(folder, "all")
        model.save(base + ".keras")
        for i, value in enumerate(values):
            np.save(f"{base}.x{i}.npy", value)
        jobs = Jobs(folder)
        jobs.add("run", base + ".keras", base + ".again.keras", base + ".y",
                 *(f"{base}.x{i}.npy" for i in range(len(values))))
        refused = list(refusals(folder))
        for path, _ in refused:
            jobs.add("save", path, "-")
        answer, *errors = jobs.run()
        failures += [f"{path}: {error}" for (path, word), error in zip(refused, errors) if word not in error]
        if answer != "ok":
            failures.append(answer)
        else:
            for i, right in enumerate(np.asarray(value) for value in nodes(*map(ops.convert_to_tensor, values))):
                mine = np.load(f"{base}.y.{i}.npy")
                if mine.shape != right.shape or mine.dtype != right.dtype or \
                        not np.allclose(mine, right, rtol=2e-5, atol=2e-5):
                    failures.append(f"output {i}: {np.ravel(mine)[:3]} instead of {np.ravel(right)[:3]}: "
                                    f"{mine.dtype} {mine.shape} for {right.dtype} {right.shape}")
    for failure in failures:
        print(failure)
    print(f"{len(model.outputs)} outputs, {len(refused)} refusals, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
