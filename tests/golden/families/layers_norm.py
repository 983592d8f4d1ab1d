"""Batch, layer, group, RMS and unit normalisation."""

import numpy as np
from layer_case import case

MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]], bool)


def _batch():
    for training in (False, True):
        tail = "_training" if training else "_inference"

        def both(name, shape, masks=None, tail=tail, training=training, **kwargs):
            return case(name + tail, "BatchNormalization", kwargs, shape, masks=masks, training=training)

        yield both("batch_normalization", (5, 3))
        yield both("batch_normalization_image", (2, 3, 4, 3))
        yield both("batch_normalization_axis1", (2, 3, 4, 2), axis=1)
        yield both("batch_normalization_rank3_axis1", (3, 2, 4), axis=1, momentum=0.7, epsilon=0.01)
        yield both("batch_normalization_no_center", (4, 3), center=False)
        yield both("batch_normalization_no_scale", (4, 3), scale=False)
        yield both("batch_normalization_bare", (4, 3), center=False, scale=False)
        yield both("batch_normalization_frozen", (4, 3), trainable=False)
        yield both("batch_normalization_one_sample", (1, 2, 3))
        yield both("batch_normalization_masked", (3, 4, 2), masks=[MASK])
        yield both("batch_normalization_regularizers", (4, 3), gamma_regularizer="l2", beta_regularizer="l1",
                   beta_initializer="ones", gamma_constraint="non_neg")


OTHER = [
    case("layer_normalization", "LayerNormalization", dict(), (3, 5)),
    case("layer_normalization_rank3", "LayerNormalization", dict(), (2, 3, 5)),
    case("layer_normalization_axis1", "LayerNormalization", dict(axis=1), (2, 3, 4)),
    case("layer_normalization_axes", "LayerNormalization", dict(axis=[1, 2], epsilon=0.01), (2, 3, 4)),
    case("layer_normalization_unsorted_axes", "LayerNormalization", dict(axis=[-1, -2]), (2, 3, 4)),
    case("layer_normalization_no_center", "LayerNormalization", dict(center=False), (3, 5)),
    case("layer_normalization_no_scale", "LayerNormalization", dict(scale=False), (3, 5)),
    case("layer_normalization_bare", "LayerNormalization", dict(center=False, scale=False), (3, 5)),
    case("layer_normalization_regularizers", "LayerNormalization", dict(gamma_regularizer="l2", beta_regularizer="l1"),
         (2, 4)),
    case("layer_normalization_masked", "LayerNormalization", dict(), (3, 4, 2), masks=[MASK]),
    case("group_normalization", "GroupNormalization", dict(groups=2), (2, 3, 4)),
    case("group_normalization_image", "GroupNormalization", dict(groups=3), (2, 2, 3, 6)),
    case("group_normalization_layer", "GroupNormalization", dict(groups=1), (2, 3, 4)),
    case("group_normalization_instance", "GroupNormalization", dict(groups=-1), (2, 3, 2, 3)),
    case("group_normalization_axis1", "GroupNormalization", dict(groups=2, axis=1), (2, 4, 3)),
    case("group_normalization_rank2", "GroupNormalization", dict(groups=2), (3, 6)),
    case("group_normalization_options", "GroupNormalization", dict(
        groups=2, epsilon=0.05, center=False, scale=False), (2, 3, 4)),
    case("group_normalization_no_center", "GroupNormalization", dict(groups=2, center=False), (2, 3, 4)),
    case("rms_normalization", "RMSNormalization", dict(), (2, 3, 4)),
    case("unit_normalization", "UnitNormalization", dict(), (3, 4)),
    case("unit_normalization_axes", "UnitNormalization", dict(axis=[1, 2]), (2, 3, 4)),
]

CASES = list(_batch()) + OTHER
