"""Lets TensorBoard read the event files of the C++ test "TensorBoard writes event files"."""

import csv
import os
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util


def scalars(accumulator, tag):
    return [float(tensor_util.make_ndarray(event.tensor_proto)) for event in accumulator.Tensors(tag)]


def main():
    program = os.path.join(os.environ["NYALA_BUILD_DIR"], "tests", "test_callbacks")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "--test-case=TensorBoard writes event files"], check=True,
                       env={**os.environ, "NYALA_KEEP_LOGS": folder})
        with open(os.path.join(folder, "log.csv"), encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        read = {}
        for part in ("train", "validation"):
            read[part] = event_accumulator.EventAccumulator(
                os.path.join(folder, part), size_guidance={event_accumulator.TENSORS: 0})
            read[part].Reload()
        pairs = [("train", "epoch_loss", "loss"), ("train", "epoch_mae", "mae"),
                 ("validation", "epoch_loss", "val_loss"), ("validation", "epoch_mae", "val_mae")]
        for part, tag, column in pairs:
            found, expected = scalars(read[part], tag), [float(row[column]) for row in rows]
            if len(found) != 3 or any(abs(a - b) > 1e-6 * abs(b) for a, b in zip(found, expected)):
                sys.exit(f"{part} {tag}: {found} instead of {expected}")
        histograms = [tag for tag in read["train"].Tags()["tensors"] if tag.endswith("/histogram")]
        if len(histograms) != 4:
            sys.exit(f"histograms of 4 weights were expected, found {histograms}")
        for tag in histograms:
            buckets = tensor_util.make_ndarray(read["train"].Tensors(tag)[0].tensor_proto)
            if buckets.ndim != 2 or buckets.shape[1] != 3 or buckets[:, 2].sum() <= 0:
                sys.exit(f"{tag}: no histogram, shape {buckets.shape}")
        names = [node.name for node in read["train"].Graph().node]
        if len(names) < 3:
            sys.exit(f"the graph has the nodes {names}")
    print("scalars, histograms and the graph were read back")


main()
