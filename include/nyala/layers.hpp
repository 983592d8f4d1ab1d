#pragma once

#include <nyala/layers/activation.hpp>
#include <nyala/layers/attention.hpp>
#include <nyala/layers/conv_lstm.hpp>
#include <nyala/layers/convolution.hpp>
#include <nyala/layers/dense.hpp>
#include <nyala/layers/depthwise.hpp>
#include <nyala/layers/embedding.hpp>
#include <nyala/layers/input_layer.hpp>
#include <nyala/layers/merging.hpp>
#include <nyala/layers/normalization.hpp>
#include <nyala/layers/padding.hpp>
#include <nyala/layers/pooling.hpp>
#include <nyala/layers/preprocessing.hpp>
#include <nyala/layers/recurrent.hpp>
#include <nyala/layers/regularization.hpp>
#include <nyala/layers/reshaping.hpp>
