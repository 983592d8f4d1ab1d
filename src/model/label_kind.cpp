#include "model/label_kind.hpp"

namespace nyala::detail {

LabelKind label_kind(const Shape& y_true, const Shape& y_pred) {
  if (y_pred.empty() || y_pred.back() == 1) return LabelKind::binary;
  const bool class_numbers = y_true.size() < y_pred.size() || y_true.back() == 1;
  return class_numbers ? LabelKind::sparse : LabelKind::categorical;
}

}  // namespace nyala::detail
