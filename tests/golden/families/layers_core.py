"""Dense, Embedding, Masking, activation layers, regularisation layers, preprocessing that is plain arithmetic."""

import golden_io as g
import keras
import numpy as np
from layer_case import case


def _ids(shape, high):
    return lambda rng: g.integers(rng, shape, 0, high)


def _padded(rng):
    return np.array([[3, 1, 0, 0], [0, 0, 0, 0], [2, 4, 1, 3]], "int32")


def _steps(rng):
    x = g.normal(rng, (3, 4, 2))
    x[0, 1], x[1], x[2, 3, 0] = 0, 0, 0
    return x


LEFT = np.array([[False, True, True], [True, True, True]])

DENSE = [
    case("dense", "Dense", dict(units=5), (3, 4)),
    case("dense_no_bias", "Dense", dict(units=3, use_bias=False), (2, 5)),
    case("dense_rank3", "Dense", dict(units=2, activation="tanh"), (2, 3, 5)),
    case("dense_rank4", "Dense", dict(units=3, activation="relu"), (2, 3, 1, 4)),
    case("dense_one_sample", "Dense", dict(units=1, activation="sigmoid"), (1, 7)),
    case("dense_softmax", "Dense", dict(units=4, activation="softmax"), (3, 5)),
    case("dense_regularizers", "Dense", lambda: dict(
        units=3, kernel_regularizer=keras.regularizers.L2(0.02), bias_regularizer="l1",
        activity_regularizer=keras.regularizers.L1L2(0.01, 0.03)), (5, 2)),
    case("dense_constraints", "Dense", lambda: dict(
        units=3, kernel_initializer=keras.initializers.HeNormal(seed=3), bias_initializer="ones",
        kernel_constraint=keras.constraints.MaxNorm(1.5), bias_constraint="non_neg"), (2, 3)),
    case("dense_masked_input", "Dense", dict(units=2), (2, 3, 4), masks=[LEFT]),
]
for _name in ("relu", "relu6", "elu", "selu", "celu", "gelu", "softplus", "softsign", "silu", "hard_sigmoid", "hard_silu",
              "exponential", "mish", "log_softmax", "leaky_relu", "linear", "hard_tanh", "tanh_shrink", "soft_shrink",
              "hard_shrink", "squareplus", "log_sigmoid", "sparse_plus", "sparsemax"):
    DENSE.append(case("dense_" + _name + "_fused", "Dense", dict(units=4, activation=_name), (3, 3)))

EMBEDDING = [
    case("embedding", "Embedding", dict(input_dim=7, output_dim=3), _ids((2, 5), 7)),
    case("embedding_rank1", "Embedding", dict(input_dim=4, output_dim=2), _ids((6,), 4)),
    case("embedding_rank3", "Embedding", dict(input_dim=4, output_dim=3), _ids((2, 3, 2), 4)),
    case("embedding_mask_zero", "Embedding", dict(input_dim=5, output_dim=3, mask_zero=True), _padded),
    case("embedding_regularizer", "Embedding", dict(
        input_dim=5, output_dim=2, embeddings_regularizer="l2", embeddings_constraint="unit_norm",
        embeddings_initializer="random_normal"), _ids((3, 2), 5)),
    case("embedding_repeated_ids", "Embedding", dict(input_dim=3, output_dim=4), lambda rng: np.array(
        [[1, 1, 1], [2, 1, 0]], "int32")),
]

MASKING = [
    case("masking", "Masking", dict(), _steps),
    case("masking_value", "Masking", dict(mask_value=-1.0), lambda rng: np.array(
        [[[-1, -1], [1, -1], [2, 3]], [[0, 0], [-1, -1], [-1, -1]]], "float32")),
]

ACTIVATIONS = [
    case("activation_relu", "Activation", dict(activation="relu"), (3, 4)),
    case("activation_softmax_rank3", "Activation", dict(activation="softmax"), (2, 3, 4)),
    case("activation_masked", "Activation", dict(activation="tanh"), (2, 3, 4), masks=[LEFT]),
    case("relu", "ReLU", dict(), (3, 5)),
    case("relu_options", "ReLU", dict(max_value=1.0, negative_slope=0.2, threshold=0.25), (4, 5)),
    case("leaky_relu", "LeakyReLU", dict(), (3, 5)),
    case("leaky_relu_slope", "LeakyReLU", dict(negative_slope=0.05), (3, 5)),
    case("elu", "ELU", dict(), (3, 5)),
    case("elu_alpha", "ELU", dict(alpha=0.4), (3, 5)),
    case("prelu", "PReLU", dict(), (2, 3, 4)),
    case("prelu_shared", "PReLU", dict(shared_axes=[1, 2], alpha_regularizer="l2"), (2, 3, 2, 4)),
    case("softmax", "Softmax", dict(), (3, 5)),
    case("softmax_axis1", "Softmax", dict(axis=1), (2, 3, 4)),
    case("softmax_two_axes", "Softmax", dict(axis=[1, 2]), (2, 3, 4)),
    case("softmax_masked", "Softmax", dict(), (2, 3), call=dict(mask=LEFT)),
    case("softmax_masked_two_axes", "Softmax", dict(axis=[1, 2]), (2, 2, 3),
         call=dict(mask=np.array([[[1, 0, 1], [1, 1, 0]], [[0, 0, 1], [1, 1, 1]]], bool))),
]

NOISE = [
    case("dropout_inference", "Dropout", dict(rate=0.5), (3, 4)),
    case("dropout_rate0_training", "Dropout", dict(rate=0.0), (3, 4), training=True),
    case("dropout_rate1_training", "Dropout", dict(rate=1.0), (3, 4), training=True),
    case("dropout_noise_shape_inference", "Dropout", dict(rate=0.3, noise_shape=[None, 1, 4], seed=5), (2, 3, 4)),
    case("dropout_masked", "Dropout", dict(rate=0.3), (2, 3, 4), masks=[LEFT]),
    case("spatial_dropout1d_inference", "SpatialDropout1D", dict(rate=0.5), (2, 3, 4)),
    case("spatial_dropout1d_rate0_training", "SpatialDropout1D", dict(rate=0.0), (2, 3, 4), training=True),
    case("spatial_dropout2d_inference", "SpatialDropout2D", dict(rate=0.5), (2, 3, 2, 3)),
    case("spatial_dropout2d_channels_first", "SpatialDropout2D", dict(rate=0.5, data_format="channels_first"),
         (2, 3, 2, 3)),
    case("spatial_dropout2d_rate0_training", "SpatialDropout2D", dict(rate=0.0), (2, 3, 2, 3), training=True),
    case("spatial_dropout3d_inference", "SpatialDropout3D", dict(rate=0.5), (1, 2, 3, 2, 3)),
    case("gaussian_noise_inference", "GaussianNoise", dict(stddev=0.4), (3, 4)),
    case("gaussian_noise_zero_training", "GaussianNoise", dict(stddev=0.0), (3, 4), training=True),
    case("gaussian_dropout_inference", "GaussianDropout", dict(rate=0.4, seed=1), (3, 4)),
    case("alpha_dropout_inference", "AlphaDropout", dict(rate=0.4), (3, 4)),
    case("activity_regularization", "ActivityRegularization", dict(l1=0.1, l2=0.2), (3, 4)),
]

SCALING = [
    case("rescaling", "Rescaling", dict(scale=2.0, offset=-0.5), (2, 3)),
    case("rescaling_255", "Rescaling", dict(scale=1.0 / 255), lambda rng: g.integers(rng, (2, 3, 3, 1), 0, 256, "uint8")),
    case("rescaling_list", "Rescaling", dict(scale=[0.5, 2.0, 4.0], offset=[0.0, 1.0, -1.0]), (2, 3, 3)),
    case("normalization_given", "Normalization", dict(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 0.25]), (4, 3)),
    case("normalization_scalar", "Normalization", dict(axis=None, mean=0.5, variance=2.0), (4, 3)),
    case("normalization_invert", "Normalization", dict(mean=[1.0, 2.0], variance=[1.0, 4.0], invert=True), (3, 2)),
    case("normalization_adapt", "Normalization", dict(), (2, 3), adapt=lambda rng: g.normal(rng, (9, 3), 2.0)),
    case("normalization_adapt_axis1", "Normalization", dict(axis=1), (2, 3, 4),
         adapt=lambda rng: g.normal(rng, (5, 3, 4), 2.0)),
    case("normalization_adapt_axes", "Normalization", dict(axis=(1, 2)), (2, 3, 2),
         adapt=lambda rng: g.normal(rng, (7, 3, 2), 2.0)),
    case("normalization_adapt_none", "Normalization", dict(axis=None), (2, 3),
         adapt=lambda rng: g.normal(rng, (9, 3), 2.0) + np.float32(3)),
    case("identity", "Identity", dict(), (2, 3), masks=None),
]

CASES = DENSE + EMBEDDING + MASKING + ACTIVATIONS + NOISE + SCALING
