"""Remakes files/latest.weights.h5 and files/latest.h5: HDF5's newer structures (libver="latest"), as programs other
than Keras write them. The weights are numbers in a row, so that a test knows them."""

import os

import h5py
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
SHAPE = (23, 17)


def properties(chunk=None, early=False, unlimited=(), filters=()):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if chunk:
        plist.set_chunk(chunk)
    if early:
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    for name in filters:
        {"shuffle": plist.set_shuffle, "fletcher": plist.set_fletcher32,
         "gzip": lambda: plist.set_deflate(6)}[name]()
    most = tuple(h5py.h5s.UNLIMITED if axis in unlimited else size for axis, size in enumerate(SHAPE))
    return plist, most


PACKED = ("shuffle", "gzip", "fletcher")
KINDS = [
    properties(),                                            # contiguous
    properties(SHAPE),                                       # one chunk
    properties(SHAPE, filters=PACKED),
    properties((5, 4), early=True),                          # implicit
    properties((5, 4)),                                      # fixed array
    properties((5, 4), filters=PACKED),
    properties((5, 4), unlimited=(0,)),                      # extensible array
    properties((5, 4), unlimited=(0,), filters=PACKED),
    properties((5, 4), unlimited=(1,)),
    properties((5, 4), unlimited=(0, 1)),                    # version 2 B-tree
    properties((1, 1), unlimited=(0, 1), filters=("gzip",)),  # of more than one level
    properties((5, 4), unlimited=(1,), filters=("fletcher",)),
]


def weights():
    with h5py.File(os.path.join(HERE, "latest.weights.h5"), "w", libver="latest") as file:
        for i, (plist, most) in enumerate(KINDS):
            group = file.create_group("layers/dense" + (f"_{i}" if i else "") + "/vars")
            space = h5py.h5s.create_simple(SHAPE, most)
            dataset = h5py.h5d.create(group.id, b"0", h5py.h5t.IEEE_F32LE, space, dcpl=plist)
            value = (np.arange(SHAPE[0] * SHAPE[1]) / 8 + i).astype("float32").reshape(SHAPE)
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, value)


def lzf():
    """h5py's own compression, with long and short copies and plain runs."""
    value = np.concatenate([np.zeros(300), np.arange(80) % 7, np.arange(117) / 8, np.full(400, 2.5)]).astype("float32")
    with h5py.File(os.path.join(HERE, "lzf.weights.h5"), "w") as file:
        group = file.create_group("layers/dense/vars")
        group.create_dataset("0", data=value.reshape(39, 23), compression="lzf", chunks=(39, 23))
        group.create_dataset("1", data=value[:23], compression="lzf", shuffle=True, chunks=(23,))


def whole():
    """dense_adam.h5 once more, its root with so many and so long attributes that they lie in a heap."""
    with h5py.File(os.path.join(HERE, "dense_adam.h5")) as old, \
         h5py.File(os.path.join(HERE, "latest.h5"), "w", libver="latest") as file:
        for name in old:
            old.copy(name, file)
        for i in range(40):
            file.attrs[f"note {i}"] = np.bytes_(b"n" * (i * 7 + 1))
        file.attrs["long"] = np.bytes_(b"l" * 5000)
        for name, value in old.attrs.items():
            file.attrs[name] = value


if __name__ == "__main__":
    weights()
    lzf()
    whole()
