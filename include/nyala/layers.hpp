#pragma once

#include <nyala/layers/activation.hpp>
#include <nyala/layers/dense.hpp>
#include <nyala/layers/input_layer.hpp>
#include <nyala/layers/regularization.hpp>
#include <nyala/layers/reshaping.hpp>
