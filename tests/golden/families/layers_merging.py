"""Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate and Dot."""

import numpy as np
from layer_case import case

A = np.array([[1, 1, 0], [0, 1, 1]], bool)
B = np.array([[1, 0, 0], [1, 1, 1]], bool)
NAMES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")


def _elementwise():
    for layer in NAMES:
        p = layer.lower()

        def make(name, *inputs, layer=layer, p=p, **options):
            return case(f"{p}_{name}", layer, dict(), *inputs, style="list", **options)

        yield make("two", (2, 3, 4), (2, 3, 4))
        if layer != "Subtract":
            yield make("three", (2, 3), (2, 3), (2, 3))
        yield make("broadcast", (2, 3, 4), (2, 1, 4))
        yield make("rank_broadcast", (2, 3, 4), (2, 4))
        yield make("masks", (2, 3, 4), (2, 3, 4), masks=[A, B])
        yield make("one_mask", (2, 3, 4), (2, 3, 4), masks=[A, None])


def _make(name, layer, kwargs, *inputs, **options):
    return case(name, layer, kwargs, *inputs, style="list", **options)


OTHER = [
    _make("concatenate", "Concatenate", dict(), (2, 3), (2, 1), (2, 4)),
    _make("concatenate_axis1", "Concatenate", dict(axis=1), (2, 3, 2), (2, 1, 2)),
    _make("concatenate_axis_minus2", "Concatenate", dict(axis=-2), (2, 3, 2), (2, 4, 2)),
    _make("concatenate_axis0", "Concatenate", dict(axis=0), (2, 3), (1, 3)),
    _make("concatenate_masks", "Concatenate", dict(), (2, 3, 2), (2, 3, 4), masks=[A, B]),
    _make("concatenate_one_mask", "Concatenate", dict(), (2, 3, 2), (2, 3, 4), masks=[A, None]),
    _make("concatenate_axis1_masks", "Concatenate", dict(axis=1), (2, 3, 2), (2, 3, 2), masks=[A, B]),
    _make("dot", "Dot", dict(axes=1), (3, 4), (3, 4)),
    _make("dot_matrix", "Dot", dict(axes=1), (2, 3, 4), (2, 3, 5)),
    _make("dot_axes", "Dot", dict(axes=(2, 1)), (2, 3, 4), (2, 4, 5)),
    _make("dot_negative_axis", "Dot", dict(axes=-1), (2, 3, 4), (2, 5, 4)),
    _make("dot_mixed_rank", "Dot", dict(axes=(2, 1)), (2, 3, 4), (2, 4)),
    _make("dot_normalize", "Dot", dict(axes=1, normalize=True), (3, 4), (3, 4)),
    _make("dot_normalize_matrix", "Dot", dict(axes=-1, normalize=True), (2, 3, 4), (2, 5, 4)),
]

CASES = list(_elementwise()) + OTHER
