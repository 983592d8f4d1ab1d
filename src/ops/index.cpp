#include <algorithm>
#include <limits>
#include <numeric>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/scatter.hpp"

namespace nyala {

namespace {

using autograd::Backward;

/// What a list of indices asks for: first a strided view of x, then picking along the axes that tensors index.
struct Plan {
  std::int64_t offset = 0;
  std::vector<std::int64_t> strides;
  Shape shape;
  std::vector<Tensor> picks;      // index tensors
  std::vector<std::size_t> axes;  // the axes of the view that they index, ascending
  // Where the picked axes go: to the place of the first number or tensor if all of these stand side by side, else
  // first.
  std::size_t place = 0;
  bool side_by_side = true;
};

struct Span {
  std::int64_t start, length, step;
};

/// Python's slice.indices(size).
Span resolved(const Slice& slice, std::int64_t size) {
  const std::int64_t step = slice.step.value_or(1);
  if (step == 0) ops::fail("index: the step of a slice must not be 0");
  const std::int64_t lower = step < 0 ? -1 : 0, upper = step < 0 ? size - 1 : size;
  const auto bound = [&](const std::optional<std::int64_t>& given, std::int64_t otherwise) {
    if (!given) return otherwise;
    return std::clamp(*given < 0 ? *given + size : *given, lower, upper);
  };
  const std::int64_t start = bound(slice.start, step < 0 ? upper : lower);
  const std::int64_t stop = bound(slice.stop, step < 0 ? lower : upper);
  const std::int64_t distance = step < 0 ? start - stop : stop - start;
  if (distance <= 0) return {0, 0, step};
  const auto stride = step < 0 ? 0 - static_cast<std::uint64_t>(step) : static_cast<std::uint64_t>(step);
  return {start, static_cast<std::int64_t>((static_cast<std::uint64_t>(distance) - 1) / stride) + 1, step};
}

std::int64_t within(std::int64_t at, std::int64_t size, std::size_t axis) {
  if (at < -size || at >= size) ops::fail("index: ", at, " is out of range for axis ", axis, " of size ", size);
  return at < 0 ? at + size : at;
}

bool is_mask(const Index& index) {
  return index.kind() == Index::Kind::tensor && index.tensor().dtype() == DType::boolean;
}

std::size_t consumed(const Index& index) {
  if (index.kind() == Index::Kind::newaxis || index.kind() == Index::Kind::ellipsis) return 0;
  return is_mask(index) ? index.tensor().shape().size() : 1;
}

class Planner {
 public:
  Planner(const Tensor& x, const std::vector<Index>& indices)
      : sizes_(x.shape()), strides_(ops::row_major_strides(x.shape())) {
    std::size_t used = 0;
    const Index* gap = nullptr;
    for (const Index& index : indices) {
      if (index.kind() == Index::Kind::tensor) ops::require_numbers(index.tensor(), "index");
      used += consumed(index);
      if (index.kind() != Index::Kind::ellipsis) continue;
      if (gap != nullptr) ops::fail("index: at most one ellipsis may stand among the indices");
      gap = &index;
    }
    if (used > sizes_.size()) ops::fail("index: ", used, " axes are indexed, the shape is ", sizes_);
    for (const Index& index : indices) {
      if (&index == gap)
        keep(sizes_.size() - used);
      else
        add(index);
    }
    keep(sizes_.size() - axis_);
  }

  Plan plan;

 private:
  void push(std::int64_t size, std::int64_t stride) {
    plan.shape.push_back(size);
    plan.strides.push_back(stride);
  }

  void keep(std::size_t count) {
    // As in NumPy, an ellipsis parts what stands around it even where it stands for no axis.
    interrupted_ = started_;
    for (; count > 0; --count, ++axis_) push(sizes_[axis_], strides_[axis_]);
  }

  void advanced() {
    if (!started_) plan.place = plan.shape.size();
    if (interrupted_) plan.side_by_side = false;
    started_ = true;
  }

  void pick(const Tensor& indices) {
    advanced();
    plan.picks.push_back(ops::checked_indices(indices, sizes_[axis_], "index"));
    plan.axes.push_back(plan.shape.size());
    push(sizes_[axis_], strides_[axis_]);
    ++axis_;
  }

  void add(const Index& index) {
    switch (index.kind()) {
      case Index::Kind::integer:
        advanced();
        plan.offset += within(index.at(), sizes_[axis_], axis_) * strides_[axis_];
        ++axis_;
        return;
      case Index::Kind::slice: {
        const Span span = resolved(index.slice(), sizes_[axis_]);
        interrupted_ = started_;
        plan.offset += span.start * strides_[axis_];
        push(span.length, span.length > 1 ? span.step * strides_[axis_] : strides_[axis_]);
        ++axis_;
        return;
      }
      case Index::Kind::newaxis:
        interrupted_ = started_;
        push(1, 0);
        return;
      case Index::Kind::tensor: return add_tensor(index);
      case Index::Kind::ellipsis: return;
    }
  }

  void add_tensor(const Index& index) {
    if (!is_mask(index)) return pick(index.tensor());
    const Shape& mask = index.tensor().shape();
    if (mask.empty()) ops::fail("index: a mask must have at least one axis");
    const Shape part(sizes_.begin() + axis_, sizes_.begin() + axis_ + mask.size());
    if (mask != part) ops::fail("index: a mask of shape ", mask, " stands for axes of shape ", part);
    for (const Tensor& positions : nonzero(index.tensor())) pick(positions);
  }

  const Shape sizes_;
  const std::vector<std::int64_t> strides_;
  std::size_t axis_ = 0;
  bool started_ = false, interrupted_ = false;
};

/// Several index tensors as one into their axes flattened together; the axes then follow one another from `axis` on.
struct Flattened {
  Tensor x, picks;
  int axis;
};

Flattened flattened(const Tensor& x, const Plan& plan) {
  Shape common;
  for (const Tensor& pick : plan.picks) common = ops::broadcast_shapes(common, pick.shape(), "index");
  if (plan.picks.size() == 1) return {x, plan.picks[0], static_cast<int>(plan.axes[0])};
  std::vector<int> order;
  const auto picked = [&](std::size_t i) { return std::binary_search(plan.axes.begin(), plan.axes.end(), i); };
  Shape shape;
  for (std::size_t i = 0; i < x.shape().size(); ++i) {
    if (i == plan.axes[0]) {
      std::int64_t size = 1;
      for (const std::size_t axis : plan.axes) {
        order.push_back(static_cast<int>(axis));
        size *= x.shape()[axis];
      }
      shape.push_back(size);
    } else if (!picked(i)) {
      order.push_back(static_cast<int>(i));
      shape.push_back(x.shape()[i]);
    }
  }
  Tensor places;
  for (std::size_t i = 0; i < plan.picks.size(); ++i) {
    const Tensor pick = cast(plan.picks[i], DType::int64);
    places = i == 0 ? pick : places * x.shape()[plan.axes[i]] + pick;
  }
  return {reshape(transpose(x, order), shape), broadcast_to(places, common), static_cast<int>(plan.axes[0])};
}

void require_block(const Tensor& x, const std::vector<std::int64_t>& start, const Shape& shape, const char* op) {
  ops::require_numbers(x, op);
  bool inside = start.size() == x.shape().size() && shape.size() == start.size();
  for (std::size_t i = 0; inside && i < start.size(); ++i) {
    inside = start[i] >= 0 && shape[i] >= 0 && start[i] <= x.shape()[i] && shape[i] <= x.shape()[i] - start[i];
  }
  if (!inside) {
    ops::fail(op, ": a block of ", shape, " that begins at ", Shape(start), " is not inside ", x.shape());
  }
}

std::int64_t place_of(const std::vector<std::int64_t>& start, const std::vector<std::int64_t>& strides) {
  return std::inner_product(start.begin(), start.end(), strides.begin(), std::int64_t{0});
}

}  // namespace

Tensor index(const Tensor& x, const std::vector<Index>& indices) {
  ops::require_numbers(x, "index");
  const Plan plan = Planner(x, indices).plan;
  const Tensor view = ops::strided(x, plan.shape.elements() == 0 ? 0 : plan.offset, plan.strides, plan.shape, "index");
  if (plan.picks.empty()) return view;
  const Flattened flat = flattened(view, plan);
  const Tensor y = ops::taken(flat.x, flat.picks, flat.axis, "index");
  const int target = plan.side_by_side ? static_cast<int>(plan.place) : 0;
  if (target == flat.axis || flat.picks.rank() == 0) return y;
  std::vector<int> order(static_cast<std::size_t>(y.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::rotate(order.begin() + target, order.begin() + flat.axis, order.begin() + flat.axis + flat.picks.rank());
  return transpose(y, order);
}

Tensor Tensor::operator[](std::int64_t i) const {
  ops::require_numbers(*this, "index");
  if (rank() == 0) ops::fail("index: a scalar has no entry ", i);
  const std::int64_t at = within(i, shape()[0], 0);
  const std::vector<std::int64_t> strides = ops::row_major_strides(shape());
  const Shape rest(shape().begin() + 1, shape().end());
  return ops::strided(*this, at * strides[0], std::span(strides).subspan(1), rest, "index");
}

Tensor slice(const Tensor& x, const std::vector<std::int64_t>& start_indices, const Shape& shape) {
  require_block(x, start_indices, shape, "slice");
  const std::vector<std::int64_t> strides = ops::row_major_strides(x.shape());
  const std::int64_t offset = shape.elements() == 0 ? 0 : place_of(start_indices, strides);
  return ops::strided(x, offset, strides, shape, "slice");
}

Tensor slice_update(const Tensor& x, const std::vector<std::int64_t>& start_indices, const Tensor& updates) {
  ops::require_numbers(updates, "slice_update");
  require_block(x, start_indices, updates.shape(), "slice_update");
  const Tensor values = ops::as_dtype(updates, x.dtype(), x, "slice_update");
  const std::vector<std::int64_t> strides = ops::row_major_strides(x.shape());
  Tensor y = x.clone();
  y.impl()->weak = false;
  if (values.size() > 0) {
    backend::kernels(x, values).strided_write(values, y, place_of(start_indices, strides), strides, false);
  }
  if (autograd::recording(x, values)) {
    autograd::attach(y, "slice_update", {x, values}, [start_indices, shape = values.shape()](Backward& g) {
      if (g.needs(0)) g.set(0, slice_update(g.grad(), start_indices, ops::zeros_for(g.grad(), shape)));
      if (g.needs(1)) g.set(1, slice(g.grad(), start_indices, shape));
    });
  }
  return y;
}

std::vector<Tensor> nonzero(const Tensor& x) {
  ops::require_numbers(x, "nonzero");
  if (x.rank() == 0) ops::fail("nonzero: a scalar has no positions");
  const auto flags = cast(cast(x, DType::boolean), DType::uint8).to_vector<std::uint8_t>();
  const std::vector<std::int64_t> strides = ops::row_major_strides(x.shape());
  std::vector<std::vector<std::int32_t>> positions(x.shape().size());
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i] == 0) continue;
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = 0; axis < positions.size(); ++axis) {
      positions[axis].push_back(static_cast<std::int32_t>(rest / strides[axis]));
      rest %= strides[axis];
    }
  }
  std::vector<Tensor> result;
  for (const auto& along : positions) result.push_back(tensor(along).to(x.device()));
  return result;
}

}  // namespace nyala
