#pragma once

#include <string>

#include <nyala/shape.hpp>

namespace nyala::detail {

enum class LabelKind { binary, sparse, categorical };

/// What "accuracy" and "crossentropy" mean for targets and predictions of these shapes, by Keras' rule.
LabelKind label_kind(const Shape& y_true, const Shape& y_pred);

/// Whether what a metric's name means depends on that: "accuracy", "crossentropy" and their short forms.
bool depends_on_labels(const std::string& metric);

}  // namespace nyala::detail
