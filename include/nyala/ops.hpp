#pragma once

#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/rnn.hpp>
#include <nyala/ops/shape.hpp>
