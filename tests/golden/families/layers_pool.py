"""Max, average and global pooling in one to three dimensions."""

import numpy as np
from layer_case import case

SHAPES = {1: [(2, 7, 3)], 2: [(2, 5, 6, 2)], 3: [(1, 4, 5, 3, 2)]}
FIRST = {1: (2, 3, 7), 2: (1, 2, 5, 6), 3: (1, 2, 4, 5, 3)}
WINDOW = {1: 3, 2: (3, 2), 3: (2, 3, 1)}
STRIDES = {1: 2, 2: (1, 2), 3: (2, 1, 2)}


def _pools():
    for kind in ("Max", "Average"):
        for rank in (1, 2, 3):
            layer = f"{kind}Pooling{rank}D"
            prefix = layer.lower()
            for padding in ("valid", "same"):
                yield case(f"{prefix}_{padding}", layer, dict(pool_size=2, padding=padding), *SHAPES[rank])
                yield case(f"{prefix}_{padding}_options", layer, dict(
                    pool_size=WINDOW[rank], strides=STRIDES[rank], padding=padding), *SHAPES[rank])
                yield case(f"{prefix}_{padding}_stride1", layer, dict(
                    pool_size=2, strides=1, padding=padding), *SHAPES[rank])
            yield case(f"{prefix}_channels_first", layer, dict(
                pool_size=2, padding="same", data_format="channels_first"), FIRST[rank])


def _globals():
    for kind in ("Max", "Average"):
        for rank in (1, 2, 3):
            layer = f"Global{kind}Pooling{rank}D"
            prefix = layer.lower()
            yield case(prefix, layer, dict(), *SHAPES[rank])
            yield case(f"{prefix}_keepdims", layer, dict(keepdims=True), *SHAPES[rank])
            yield case(f"{prefix}_channels_first", layer, dict(data_format="channels_first"), FIRST[rank])
            yield case(f"{prefix}_channels_first_keepdims", layer, dict(
                data_format="channels_first", keepdims=True), FIRST[rank])


MASK = np.array([[1, 1, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1, 1]], bool)
EMPTY_ROW = np.array([[0, 0, 0], [0, 1, 1]], bool)

MASKED = [
    case("globalaveragepooling1d_masked", "GlobalAveragePooling1D", dict(), (2, 7, 3), masks=[MASK]),
    case("globalaveragepooling1d_masked_keepdims", "GlobalAveragePooling1D", dict(keepdims=True), (2, 7, 3),
         masks=[MASK]),
    case("globalaveragepooling1d_masked_channels_first", "GlobalAveragePooling1D", dict(data_format="channels_first"),
         (2, 3, 7), masks=[MASK]),
    case("globalaveragepooling1d_empty_row", "GlobalAveragePooling1D", dict(), (2, 3, 2), masks=[EMPTY_ROW],
         gradients=False),
]

CASES = list(_pools()) + list(_globals()) + MASKED
