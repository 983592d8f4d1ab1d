#pragma once

#include <nyala/shape.hpp>

namespace nyala::detail {

enum class LabelKind { binary, sparse, categorical };

/// What "accuracy" and "crossentropy" mean for targets and predictions of these shapes, by Keras' rule.
LabelKind label_kind(const Shape& y_true, const Shape& y_pred);

}  // namespace nyala::detail
