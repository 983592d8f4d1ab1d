#include <algorithm>
#include <map>
#include <string_view>

#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/product.hpp"

namespace nyala {

namespace {

/// One label per axis. Letters stand for themselves; the axes behind "..." are numbered from the right, below them.
using Labels = std::vector<int>;

constexpr int ellipsis_base = -1;

bool has(const Labels& labels, int label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }
bool is_ellipsis(int label) { return label <= ellipsis_base; }

struct Operand {
  Tensor x;
  Labels labels;
};

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
  bool explicit_output = false;
};

Equation parsed(const std::string& subscripts, std::size_t count) {
  std::string text;
  for (const char c : subscripts) {
    if (c != ' ') text += c;
  }
  Equation equation;
  if (const std::size_t arrow = text.find("->"); arrow != std::string::npos) {
    equation.explicit_output = true;
    equation.output = text.substr(arrow + 2);
    text.resize(arrow);
  }
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    equation.inputs.push_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  if (equation.inputs.size() != count) {
    ops::fail("einsum: \"", subscripts, "\" names ", equation.inputs.size(), " operands, got ", count);
  }
  return equation;
}

/// The labels of a term whose "..." stands for `hidden` axes.
Labels labels_of(const std::string& term, int hidden, const std::string& subscripts) {
  Labels labels;
  bool seen = false;
  for (std::size_t i = 0; i < term.size(); ++i) {
    const char c = term[i];
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      labels.push_back(c);
    } else if (!seen && std::string_view(term).substr(i, 3) == "...") {
      for (int axis = hidden; axis-- > 0;) labels.push_back(ellipsis_base - axis);
      seen = true;
      i += 2;
    } else {
      ops::fail("einsum: \"", subscripts, "\" holds '", c, "' where a letter or one \"...\" may stand");
    }
  }
  return labels;
}

/// Repeated labels of an operand mean its diagonal.
void take_diagonals(Operand& operand) {
  Labels kept;
  const std::vector<std::int64_t> from = ops::row_major_strides(operand.x.shape());
  std::vector<std::int64_t> strides;
  Shape shape;
  for (std::size_t i = 0; i < operand.labels.size(); ++i) {
    const int label = operand.labels[i];
    const auto earlier = std::find(kept.begin(), kept.end(), label);
    if (earlier == kept.end()) {
      kept.push_back(label);
      strides.push_back(from[i]);
      shape.push_back(operand.x.shape()[i]);
      continue;
    }
    const auto at = static_cast<std::size_t>(earlier - kept.begin());
    if (shape[at] != operand.x.shape()[i]) {
      ops::fail("einsum: label '", static_cast<char>(label), "' stands for sizes ", shape[at], " and ",
                operand.x.shape()[i], " of ", operand.x.shape());
    }
    strides[at] += from[i];
  }
  if (kept.size() == operand.labels.size()) return;
  operand = {ops::strided(operand.x, 0, strides, shape, "einsum"), kept};
}

Operand reduced(const Operand& operand, const Labels& kept) {
  std::vector<int> gone;
  Labels labels;
  for (std::size_t i = 0; i < operand.labels.size(); ++i) {
    if (has(kept, operand.labels[i]))
      labels.push_back(operand.labels[i]);
    else
      gone.push_back(static_cast<int>(i));
  }
  if (gone.empty()) return operand;
  return {cast(sum(operand.x, gone), operand.x.dtype()), labels};
}

Tensor arranged(const Operand& operand, const Labels& order) {
  if (operand.labels == order) return operand.x;
  std::vector<int> axes;
  for (const int label : order) {
    const auto at = std::find(operand.labels.begin(), operand.labels.end(), label);
    axes.push_back(static_cast<int>(at - operand.labels.begin()));
  }
  return transpose(operand.x, axes);
}

std::int64_t size_of_labels(const Operand& operand, const Labels& labels) {
  std::int64_t size = 1;
  for (std::size_t i = 0; i < operand.labels.size(); ++i) {
    if (has(labels, operand.labels[i])) size *= operand.x.shape()[i];
  }
  return size;
}

Labels joined(std::initializer_list<const Labels*> parts) {
  Labels all;
  for (const Labels* part : parts) all.insert(all.end(), part->begin(), part->end());
  return all;
}

/// Axes of size 1 behind "..." that stand against longer ones only repeat: without them the product broadcasts.
Operand without_repeats(const Operand& operand, const Operand& other) {
  std::vector<int> gone;
  Labels labels;
  for (std::size_t i = 0; i < operand.labels.size(); ++i) {
    const int label = operand.labels[i];
    const auto at = std::find(other.labels.begin(), other.labels.end(), label);
    const bool repeats = is_ellipsis(label) && operand.x.shape()[i] == 1 && at != other.labels.end() &&
                         other.x.shape()[static_cast<std::size_t>(at - other.labels.begin())] != 1;
    if (repeats)
      gone.push_back(static_cast<int>(i));
    else
      labels.push_back(label);
  }
  return gone.empty() ? operand : Operand{squeeze(operand.x, gone), labels};
}

/// The product of two operands summed over the labels that are not in `needed`.
Operand contracted(const Operand& first, const Operand& second, const Labels& needed) {
  Operand a = without_repeats(first, second), b = without_repeats(second, first);
  a = reduced(a, joined({&needed, &b.labels}));
  b = reduced(b, joined({&needed, &a.labels}));
  Labels batch, summed, free_a, free_b;
  for (const int label : a.labels) {
    if (!has(b.labels, label))
      free_a.push_back(label);
    else if (has(needed, label))
      batch.push_back(label);
    else
      summed.push_back(label);
  }
  for (const int label : b.labels) {
    if (!has(a.labels, label)) free_b.push_back(label);
  }
  const Labels labels = joined({&batch, &free_a, &free_b});
  const std::int64_t rows = size_of_labels(a, free_a), columns = size_of_labels(b, free_b);
  const std::int64_t count = size_of_labels(a, batch), inner = size_of_labels(a, summed);
  Shape shape;
  for (const int label : labels) {
    const Operand& from = has(a.labels, label) ? a : b;
    const auto at = std::find(from.labels.begin(), from.labels.end(), label) - from.labels.begin();
    shape.push_back(from.x.shape()[static_cast<std::size_t>(at)]);
  }
  const bool a_turned = !summed.empty() && a.labels == joined({&batch, &summed, &free_a});
  const bool b_turned = b.labels == joined({&batch, &free_b, &summed});
  const Tensor left = arranged(a, a_turned ? a.labels : joined({&batch, &free_a, &summed}));
  const Tensor right = arranged(b, b_turned ? b.labels : joined({&batch, &summed, &free_b}));
  if (summed.empty()) {
    return {reshape(reshape(left, {count, rows, 1}) * reshape(right, {count, 1, columns}), shape), labels};
  }
  const Shape left_shape = a_turned ? Shape{count, inner, rows} : Shape{count, rows, inner};
  const Shape right_shape = b_turned ? Shape{count, columns, inner} : Shape{count, inner, columns};
  const Tensor y = ops::product(reshape(left, left_shape), reshape(right, right_shape), a_turned, b_turned, "einsum");
  return {reshape(y, shape), labels};
}

void check_sizes(const std::vector<Operand>& operands) {
  std::map<int, std::int64_t> sizes;
  for (const Operand& operand : operands) {
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      const int label = operand.labels[i];
      const std::int64_t size = operand.x.shape()[i];
      const auto [known, fresh] = sizes.emplace(label, size);
      if (fresh || known->second == size) continue;
      if (is_ellipsis(label) && (size == 1 || known->second == 1))
        known->second = std::max(size, known->second);
      else if (is_ellipsis(label))
        ops::fail("einsum: axes behind \"...\" do not broadcast: ", known->second, " and ", size);
      else
        ops::fail("einsum: label '", static_cast<char>(label), "' stands for sizes ", known->second, " and ", size);
    }
  }
}

/// "..." first, then the letters that occur once in alphabetical order.
Labels implicit_output(const std::vector<Operand>& operands, int hidden) {
  std::map<int, int> occurrences;
  for (const Operand& operand : operands) {
    for (const int label : operand.labels) ++occurrences[label];
  }
  Labels output;
  for (int axis = hidden; axis-- > 0;) output.push_back(ellipsis_base - axis);
  for (const auto& [label, times] : occurrences) {
    if (!is_ellipsis(label) && times == 1) output.push_back(label);
  }
  return output;
}

}  // namespace

Tensor einsum(const std::string& subscripts, const std::vector<Tensor>& operands) {
  if (operands.empty()) ops::fail("einsum: needs at least one operand, got none");
  const Equation equation = parsed(subscripts, operands.size());
  for (const Tensor& x : operands) ops::require_numbers(x, "einsum");
  const DType promoted = ops::promoted_dtype(operands);
  const bool narrow = promoted == DType::boolean || promoted == DType::int8;
  const DType dtype = narrow ? DType::int32 : promoted;

  std::vector<Operand> terms;
  int hidden = 0;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const std::string& term = equation.inputs[i];
    const bool open = term.find("...") != std::string::npos;
    const int named = static_cast<int>(term.size()) - (open ? 3 : 0), rank = operands[i].rank();
    if (open ? named > rank : named != rank) {
      ops::fail("einsum: \"", term, "\" of \"", subscripts, "\" does not fit an operand of shape ",
                operands[i].shape());
    }
    hidden = std::max(hidden, rank - named);
    terms.push_back({cast(operands[i], dtype), labels_of(term, rank - named, subscripts)});
  }
  const Labels output =
      equation.explicit_output ? labels_of(equation.output, hidden, subscripts) : implicit_output(terms, hidden);
  if (hidden > 0 && equation.explicit_output && equation.output.find("...") == std::string::npos) {
    ops::fail("einsum: the output of \"", subscripts, "\" lacks the \"...\" of its operands");
  }
  for (Operand& term : terms) take_diagonals(term);
  check_sizes(terms);
  for (std::size_t i = 0; i < output.size(); ++i) {
    const int label = output[i];
    if (std::count(output.begin(), output.end(), label) > 1) {
      ops::fail("einsum: the output of \"", subscripts, "\" names '", static_cast<char>(label), "' twice");
    }
    if (std::none_of(terms.begin(), terms.end(), [&](const Operand& term) { return has(term.labels, label); })) {
      ops::fail("einsum: the output label '", static_cast<char>(label), "' of \"", subscripts, "\" is in no operand");
    }
  }
  Operand result = terms[0];
  for (std::size_t i = 1; i < terms.size(); ++i) {
    Labels needed = output;
    for (std::size_t later = i + 1; later < terms.size(); ++later) {
      needed.insert(needed.end(), terms[later].labels.begin(), terms[later].labels.end());
    }
    result = contracted(result, terms[i], needed);
  }
  const Tensor y = arranged(reduced(result, output), output);
  return promoted == DType::boolean ? cast(y, DType::boolean) : y;
}

}  // namespace nyala
