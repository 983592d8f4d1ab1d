"""Keras reads what ModelCheckpoint wrote: whole models and weights, predictions and the optimizer's state."""

import os
import subprocess
import sys
import tempfile

import keras
import numpy as np

TOOL = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "live", "training_tool")
STEPS = 15  # 3 epochs of 5 batches


def require(holds, what):
    if not holds:
        sys.exit(what)


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([TOOL, "checkpoints", folder], check=True)
        x, predicted = (np.load(os.path.join(folder, name)) for name in ("x.npy", "predicted.npy"))
        found = sorted(name for name in os.listdir(folder) if not name.endswith(".npy"))
        wanted = sorted([f"0{e}{end}" for e in (1, 2, 3) for end in (".keras", ".h5", "-5.weights.h5")])
        require(found == wanted, f"ModelCheckpoint wrote {found} instead of {wanted}")
        whole = None
        for name in ("03.h5", "03.keras"):
            whole = keras.models.load_model(os.path.join(folder, name))
            worst = np.abs(whole.predict(x, verbose=0) - predicted).max()
            require(worst <= 1e-5, f"{name}: predictions differ by {worst}")
            require(int(whole.optimizer.iterations.value) == STEPS, f"{name}: {whole.optimizer.iterations} steps")
            require(type(whole.optimizer).__name__ == "AdamW", f"{name}: {whole.optimizer}")
            loss = whole.evaluate(x, np.zeros(len(x)), verbose=0, return_dict=True)
            require(set(loss) == {"loss", "accuracy"}, f"{name}: evaluates to {loss}")
        whole.load_weights(os.path.join(folder, "01-5.weights.h5"))
        require(np.abs(whole.predict(x, verbose=0) - predicted).max() > 1e-5, "the weights of two epochs agree")
        whole.load_weights(os.path.join(folder, "03-5.weights.h5"))
        worst = np.abs(whole.predict(x, verbose=0) - predicted).max()
        require(worst <= 1e-5, f"03-5.weights.h5: predictions differ by {worst}")
    print(f"Keras {keras.__version__} read {len(wanted)} checkpoints")


main()
