#pragma once

#include <nyala/layers/dense.hpp>
#include <nyala/layers/input_layer.hpp>
