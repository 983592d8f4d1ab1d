"""Flatten, Reshape, Permute, RepeatVector, up-sampling, padding and cropping."""

import numpy as np
from layer_case import case

MASK = np.array([[1, 1, 0], [0, 1, 1]], bool)

SHAPE = [
    case("flatten", "Flatten", dict(), (2, 3, 4)),
    case("flatten_rank4", "Flatten", dict(), (1, 2, 3, 2)),
    case("flatten_rank2", "Flatten", dict(), (3, 4)),
    case("flatten_rank1", "Flatten", dict(), (3,)),
    case("flatten_channels_first", "Flatten", dict(data_format="channels_first"), (2, 3, 2, 4)),
    case("reshape", "Reshape", dict(target_shape=(4, 3)), (2, 3, 4)),
    case("reshape_minus1", "Reshape", dict(target_shape=(-1, 2)), (2, 3, 4)),
    case("reshape_flat", "Reshape", dict(target_shape=(-1,)), (2, 3, 4)),
    case("reshape_ones", "Reshape", dict(target_shape=(1, 3, 1, 4)), (2, 12)),
    case("permute", "Permute", dict(dims=(2, 1)), (2, 3, 4)),
    case("permute_rank4", "Permute", dict(dims=(3, 1, 2)), (2, 3, 2, 4)),
    case("repeat_vector", "RepeatVector", dict(n=3), (2, 4)),
    case("repeat_vector_one", "RepeatVector", dict(n=1), (2, 4)),
]

UP = [
    case("up_sampling1d", "UpSampling1D", dict(size=3), (2, 3, 2)),
    case("up_sampling2d", "UpSampling2D", dict(), (2, 2, 3, 2)),
    case("up_sampling2d_sizes", "UpSampling2D", dict(size=(3, 1)), (1, 2, 3, 2)),
    case("up_sampling2d_channels_first", "UpSampling2D", dict(size=(1, 2), data_format="channels_first"), (1, 2, 3, 2)),
    case("up_sampling2d_bilinear", "UpSampling2D", dict(interpolation="bilinear"), (1, 3, 4, 2)),
    case("up_sampling2d_bilinear_sizes", "UpSampling2D", dict(size=(3, 2), interpolation="bilinear"), (1, 2, 3, 1)),
    case("up_sampling2d_bilinear_channels_first", "UpSampling2D", dict(
        size=3, interpolation="bilinear", data_format="channels_first"), (1, 2, 2, 3)),
    case("up_sampling2d_bicubic", "UpSampling2D", dict(interpolation="bicubic"), (1, 3, 4, 1)),
    case("up_sampling2d_lanczos3", "UpSampling2D", dict(interpolation="lanczos3"), (1, 3, 4, 1)),
    case("up_sampling2d_lanczos5", "UpSampling2D", dict(interpolation="lanczos5"), (1, 3, 4, 1)),
    case("up_sampling3d", "UpSampling3D", dict(size=(2, 1, 3)), (1, 2, 3, 2, 2)),
]

PAD = [
    case("zero_padding1d", "ZeroPadding1D", dict(padding=(2, 1)), (2, 3, 2)),
    case("zero_padding2d", "ZeroPadding2D", dict(), (1, 2, 3, 2)),
    case("zero_padding2d_int", "ZeroPadding2D", dict(padding=2), (1, 2, 3, 2)),
    case("zero_padding2d_pair", "ZeroPadding2D", dict(padding=(1, 2)), (1, 2, 3, 2)),
    case("zero_padding2d_pairs", "ZeroPadding2D", dict(padding=((1, 0), (2, 3))), (1, 2, 3, 2)),
    case("zero_padding2d_channels_first", "ZeroPadding2D", dict(
        padding=((1, 0), (0, 2)), data_format="channels_first"), (1, 2, 3, 2)),
    case("zero_padding3d", "ZeroPadding3D", dict(padding=((1, 0), (0, 2), (1, 1))), (1, 2, 3, 2, 2)),
    case("cropping1d", "Cropping1D", dict(cropping=(1, 2)), (2, 5, 2)),
    case("cropping2d", "Cropping2D", dict(), (1, 3, 4, 2)),
    case("cropping2d_int", "Cropping2D", dict(cropping=1), (1, 4, 5, 2)),
    case("cropping2d_pair", "Cropping2D", dict(cropping=(1, 2)), (1, 4, 6, 2)),
    case("cropping2d_pairs", "Cropping2D", dict(cropping=((1, 0), (2, 1))), (1, 4, 5, 2)),
    case("cropping2d_channels_first", "Cropping2D", dict(
        cropping=((0, 1), (1, 1)), data_format="channels_first"), (1, 2, 3, 4)),
    case("cropping3d", "Cropping3D", dict(cropping=((1, 0), (0, 1), (1, 1))), (1, 3, 3, 4, 2)),
]

MASKED = [
    case("permute_masked", "Permute", dict(dims=(2, 1)), (2, 3, 4), masks=[MASK]),
    case("reshape_masked", "Reshape", dict(target_shape=(4, 3)), (2, 3, 4), masks=[MASK]),
    case("flatten_masked", "Flatten", dict(), (2, 3, 4), masks=[MASK]),
]

CASES = SHAPE + UP + PAD + MASKED
