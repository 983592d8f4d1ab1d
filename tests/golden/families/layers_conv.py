"""Convolutions: padding, strides, dilation, groups, data formats, depthwise, separable and transposed."""

import keras
from layer_case import case


def _conv(name, class_name, shape, **kwargs):
    return case(name, class_name, kwargs, shape)


CONV1D = [
    _conv("conv1d_valid", "Conv1D", (2, 7, 3), filters=4, kernel_size=3),
    _conv("conv1d_same", "Conv1D", (2, 7, 3), filters=2, kernel_size=2, padding="same"),
    _conv("conv1d_same_strides", "Conv1D", (2, 8, 3), filters=2, kernel_size=3, strides=2, padding="same"),
    _conv("conv1d_strides3", "Conv1D", (1, 11, 2), filters=3, kernel_size=2, strides=3, activation="relu"),
    _conv("conv1d_causal", "Conv1D", (2, 6, 2), filters=3, kernel_size=3, padding="causal"),
    _conv("conv1d_causal_dilation", "Conv1D", (1, 9, 2), filters=2, kernel_size=3, padding="causal", dilation_rate=2),
    _conv("conv1d_causal_strides", "Conv1D", (1, 9, 2), filters=2, kernel_size=3, padding="causal", strides=2),
    _conv("conv1d_dilation", "Conv1D", (2, 9, 2), filters=3, kernel_size=3, dilation_rate=3, use_bias=False),
    _conv("conv1d_groups", "Conv1D", (2, 5, 4), filters=6, kernel_size=3, groups=2, activation="tanh"),
    _conv("conv1d_channels_first", "Conv1D", (2, 3, 7), filters=4, kernel_size=3, data_format="channels_first",
          padding="same"),
]

CONV2D = [
    _conv("conv2d_valid", "Conv2D", (2, 5, 6, 3), filters=4, kernel_size=3),
    _conv("conv2d_same", "Conv2D", (2, 5, 4, 2), filters=3, kernel_size=(2, 3), padding="same", activation="relu"),
    _conv("conv2d_same_strides", "Conv2D", (1, 7, 6, 2), filters=3, kernel_size=3, strides=2, padding="same"),
    _conv("conv2d_valid_strides", "Conv2D", (1, 7, 8, 2), filters=2, kernel_size=(3, 2), strides=(2, 3)),
    _conv("conv2d_1x1", "Conv2D", (2, 3, 3, 3), filters=2, kernel_size=1),
    _conv("conv2d_1x1_strides", "Conv2D", (1, 5, 5, 3), filters=2, kernel_size=1, strides=2, padding="same"),
    _conv("conv2d_dilation", "Conv2D", (1, 7, 7, 2), filters=2, kernel_size=3, dilation_rate=2),
    _conv("conv2d_dilation_same", "Conv2D", (1, 5, 6, 2), filters=2, kernel_size=(2, 3), dilation_rate=(2, 1),
          padding="same"),
    _conv("conv2d_groups", "Conv2D", (2, 4, 5, 4), filters=6, kernel_size=3, groups=2, padding="same"),
    _conv("conv2d_groups_depthwise", "Conv2D", (1, 4, 4, 3), filters=6, kernel_size=2, groups=3, use_bias=False),
    _conv("conv2d_channels_first", "Conv2D", (2, 3, 5, 4), filters=2, kernel_size=3, data_format="channels_first",
          activation="sigmoid"),
    _conv("conv2d_channels_first_strides_same", "Conv2D", (1, 2, 6, 7), filters=3, kernel_size=3, strides=2,
          padding="same", data_format="channels_first"),
    _conv("conv2d_kernel_larger_than_image_same", "Conv2D", (1, 2, 3, 1), filters=1, kernel_size=5, padding="same"),
    _conv("conv2d_softmax", "Conv2D", (1, 3, 3, 2), filters=3, kernel_size=2, activation="softmax"),
    case("conv2d_regularizers", "Conv2D", lambda: dict(
        filters=2, kernel_size=2, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02), bias_regularizer="l2",
        activity_regularizer="l1", kernel_constraint=keras.constraints.UnitNorm(axis=[0, 1, 2]),
        kernel_initializer="he_uniform"), (2, 3, 3, 2)),
]

CONV3D = [
    _conv("conv3d_valid", "Conv3D", (1, 4, 3, 5, 2), filters=3, kernel_size=2),
    _conv("conv3d_same", "Conv3D", (1, 3, 4, 3, 2), filters=2, kernel_size=(3, 2, 1), padding="same", activation="relu"),
    _conv("conv3d_strides", "Conv3D", (1, 5, 4, 5, 1), filters=2, kernel_size=2, strides=(2, 1, 2), padding="same"),
    _conv("conv3d_dilation", "Conv3D", (1, 5, 3, 5, 1), filters=2, kernel_size=2, dilation_rate=(2, 1, 3)),
    _conv("conv3d_groups", "Conv3D", (1, 3, 3, 3, 4), filters=4, kernel_size=2, groups=2, use_bias=False),
    _conv("conv3d_channels_first", "Conv3D", (1, 2, 3, 4, 3), filters=3, kernel_size=2,
          data_format="channels_first"),
]

DEPTHWISE = [
    _conv("depthwise_conv2d_valid", "DepthwiseConv2D", (2, 5, 4, 3), kernel_size=3),
    _conv("depthwise_conv2d_multiplier", "DepthwiseConv2D", (1, 4, 5, 3), kernel_size=(2, 3), depth_multiplier=2,
          padding="same", activation="relu"),
    _conv("depthwise_conv2d_strides", "DepthwiseConv2D", (1, 7, 6, 2), kernel_size=3, strides=2, padding="same"),
    _conv("depthwise_conv2d_dilation", "DepthwiseConv2D", (1, 7, 6, 2), kernel_size=3, dilation_rate=2,
          use_bias=False),
    _conv("depthwise_conv2d_channels_first", "DepthwiseConv2D", (1, 2, 5, 4), kernel_size=2, depth_multiplier=3,
          data_format="channels_first"),
]

SEPARABLE = [
    _conv("separable_conv2d_valid", "SeparableConv2D", (2, 5, 4, 3), filters=4, kernel_size=3),
    _conv("separable_conv2d_same", "SeparableConv2D", (1, 5, 6, 2), filters=3, kernel_size=(3, 2), padding="same",
          depth_multiplier=2, activation="tanh"),
    _conv("separable_conv2d_strides", "SeparableConv2D", (1, 7, 7, 2), filters=3, kernel_size=3, strides=2,
          padding="same", use_bias=False),
    _conv("separable_conv2d_dilation", "SeparableConv2D", (1, 7, 6, 2), filters=2, kernel_size=2, dilation_rate=2),
    _conv("separable_conv2d_channels_first", "SeparableConv2D", (1, 2, 4, 5), filters=3, kernel_size=2,
          data_format="channels_first"),
]

TRANSPOSED = [
    _conv("conv2d_transpose_valid", "Conv2DTranspose", (2, 3, 4, 3), filters=2, kernel_size=3),
    _conv("conv2d_transpose_strides", "Conv2DTranspose", (1, 3, 4, 2), filters=3, kernel_size=3, strides=2),
    _conv("conv2d_transpose_strides_over_kernel", "Conv2DTranspose", (1, 3, 2, 2), filters=2, kernel_size=2, strides=3),
    _conv("conv2d_transpose_same", "Conv2DTranspose", (1, 4, 3, 2), filters=3, kernel_size=3, padding="same",
          activation="relu"),
    _conv("conv2d_transpose_same_strides", "Conv2DTranspose", (1, 3, 4, 2), filters=2, kernel_size=3, strides=2,
          padding="same"),
    _conv("conv2d_transpose_same_even_kernel", "Conv2DTranspose", (1, 3, 3, 2), filters=2, kernel_size=4, strides=2,
          padding="same", use_bias=False),
    _conv("conv2d_transpose_same_mixed_strides", "Conv2DTranspose", (1, 3, 3, 2), filters=2, kernel_size=(2, 3),
          strides=(3, 1), padding="same"),
    _conv("conv2d_transpose_output_padding", "Conv2DTranspose", (1, 3, 4, 2), filters=2, kernel_size=3, strides=2,
          padding="same", output_padding=1),
    _conv("conv2d_transpose_output_padding_zero", "Conv2DTranspose", (1, 3, 4, 2), filters=2, kernel_size=3, strides=2,
          padding="same", output_padding=0),
    _conv("conv2d_transpose_valid_output_padding", "Conv2DTranspose", (1, 3, 4, 2), filters=2, kernel_size=(3, 2),
          strides=(3, 2), output_padding=(2, 1)),
    _conv("conv2d_transpose_dilation", "Conv2DTranspose", (1, 4, 3, 2), filters=2, kernel_size=2, dilation_rate=2),
    _conv("conv2d_transpose_dilation_same", "Conv2DTranspose", (1, 4, 5, 2), filters=2, kernel_size=3, dilation_rate=2,
          padding="same"),
    _conv("conv2d_transpose_channels_first", "Conv2DTranspose", (1, 2, 3, 4), filters=3, kernel_size=3, strides=2,
          padding="same", data_format="channels_first"),
]

CASES = CONV1D + CONV2D + CONV3D + DEPTHWISE + SEPARABLE + TRANSPOSED
