"""Quantized layers and LoRA adapters in files: predictions, a save that Keras reads back, and training that goes on."""

import os
import sys
import tempfile
import warnings

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import keras
import numpy as np
from files_live import Jobs, close, keras_losses
from keras import layers as L
from keras import quantizers as Q


def cases():
    rng = np.random.default_rng(0)
    row, steps = rng.normal(size=(5, 7)).astype("float32"), rng.normal(size=(4, 6, 7)).astype("float32")
    numbers, image = rng.integers(0, 11, (4, 5)).astype("float32"), rng.normal(size=(2, 8, 8, 3)).astype("float32")
    kinds = {"int8": None, "int4": None, "float8": None,
             "int8_weights": Q.Int8QuantizationConfig(activation_quantizer=None),
             "int4_channels": Q.Int4QuantizationConfig(block_size=None),
             "int4_inputs": Q.Int4QuantizationConfig(activation_quantizer=Q.AbsMaxQuantizer(), block_size=-1),
             "int4_groups": Q.Int4QuantizationConfig(block_size=2)}
    for kind, config in kinds.items():
        mode = kind.split("_")[0]
        yield f"dense {kind}", L.Dense(5, activation="tanh"), row, mode, config, None
        yield f"heads {kind}", L.EinsumDense("abc,cde->abde", (6, 2, 3), bias_axes="de"), steps, mode, config, None
        yield f"gathered {kind}", L.EinsumDense("abc,bcd->ad", (3,)), steps, mode, config, None
        if mode != "float8":
            yield f"embedding {kind}", L.Embedding(11, 7, mask_zero=True), numbers, mode, config, None
            for tied in (True, False):
                yield f"back {kind} {tied}", L.ReversibleEmbedding(11, 7, tie_weights=tied), numbers, mode, config, None
    for name, layer, x in [("dense", L.Dense(5), row), ("einsum", L.EinsumDense("abc,cd->abd", (6, 4)), steps),
                           ("embedding", L.Embedding(11, 7), numbers), ("conv", L.Conv2D(4, 3), image),
                           ("dense int8", L.Dense(5), row)]:
        yield f"lora {name}", layer, x, "int8" if "int8" in name else None, None, 2


def make(layer, x, mode, config, lora):
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    if isinstance(layer, L.ReversibleEmbedding):
        inputs = keras.Input(x.shape[1:])
        outputs = L.Dense(2)(L.Flatten()(layer(layer(inputs), reverse=True)))
        model = keras.Model(inputs, outputs)
    else:
        model = keras.Sequential([keras.Input(x.shape[1:]), layer, L.Flatten(), L.Dense(2)])
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    if mode:
        layer.quantize(mode, config=config)
    if lora:
        layer.enable_lora(lora)
        if not mode:
            learnt = layer.lora_embeddings_b if isinstance(layer, L.Embedding) else layer.lora_kernel_b
            learnt.assign(rng.normal(size=learnt.shape))
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), keras.losses.MeanSquaredError())
    return model


def main():
    warnings.simplefilter("ignore")
    failures, jobs, checks = [], None, []
    with tempfile.TemporaryDirectory(prefix="nyala_adapters_") as folder:
        jobs = Jobs(folder)
        for i, (name, layer, x, mode, config, lora) in enumerate(cases()):
            model = make(layer, x, mode, config, lora)
            y = np.ones((len(x), 2), "float32")
            base = os.path.join(folder, str(i))
            model.save(base + ".keras")
            np.save(base + ".x.npy", x)
            np.save(base + ".t.npy", y)
            expected = np.asarray(model(x, training=False))
            again = keras.saving.load_model(base + ".keras")
            losses = keras_losses(again, 4, x, y) if mode != "float8" else None
            jobs.add("run", base + ".keras", base + ".again.keras", base + ".y", base + ".x.npy")
            if losses:
                jobs.add("train", base + ".keras", base + ".trained.keras", 4, base + ".losses", base + ".x.npy",
                         base + ".t.npy")
            checks.append((name, base, expected, losses, x))
        answers = iter(jobs.run())
        for name, base, expected, losses, x in checks:
            answer = next(answers)
            trained = next(answers) if losses else "ok"
            if answer != "ok" or trained != "ok":
                failures.append(f"{name}: {answer} {trained}")
                continue
            if not close(np.load(base + ".y.0.npy"), expected):
                failures.append(f"{name}: other predictions")
            if losses and not close(np.loadtxt(base + ".losses"), losses, 1e-4):
                failures.append(f"{name}: losses {np.loadtxt(base + '.losses')} instead of {losses}")
            mine, theirs = keras.saving.load_model(base + ".again.keras"), keras.saving.load_model(base + ".keras")
            if not close(np.asarray(mine(x, training=False)), expected):
                failures.append(f"{name}: other predictions in Keras")
            if mine.layers[0].get_config() != theirs.layers[0].get_config():
                failures.append(f"{name}: another config")
    for failure in failures:
        print(failure)
    print(f"{len(checks)} models, {len(failures)} failures")
    return 1 if failures or not checks else 0


if __name__ == "__main__":
    sys.exit(main())
