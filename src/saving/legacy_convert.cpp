#include "saving/legacy_convert.hpp"

#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/ops.hpp>

#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "saving/walk.hpp"

namespace nyala::saving {
namespace {

void collect(const Layer& layer, const std::string& prefix, bool trainable, std::vector<Target>& trained,
             std::vector<Target>& others, std::vector<const Layer*>& visited) {
  if (std::find(visited.begin(), visited.end(), &layer) != visited.end()) return;
  visited.push_back(&layer);
  const detail::LayerState& state = detail::state_of(layer);
  trainable = trainable && state.trainable;
  // Keras builds the layers of a Sequential under its name alone, those of a graph under none.
  std::string own = joined(prefix, layer.name());
  if (state.is_model) {
    const auto& model = static_cast<const Model&>(layer);
    own = model.model_state()->kind == detail::ModelKind::graph ? "" : layer.name();
  }
  for (const Variable& variable : state.trainable_weights) {
    (trainable && variable.trainable() ? trained : others).push_back({variable, &layer, joined(own, variable.name())});
  }
  for (const Variable& variable : state.other_weights) {
    others.push_back({variable, &layer, joined(own, variable.name())});
  }
  for (const LayerRef& child : layer.sublayers()) collect(*child, own, trainable, trained, others, visited);
}

Tensor any_shape(const Hdf5Reader& file, const std::string& path, std::int64_t elements_at_most) {
  const Shape shape = file.shape(path);
  std::int64_t elements = 1;
  for (const std::int64_t size : shape) {
    if (size > elements_at_most || elements * size > elements_at_most) {
      throw Error(file.where() + ": \"" + path + "\" has the shape " + shape.str() + ", which does not fit");
    }
    elements *= size;
  }
  return file.read(path, shape);
}

/// Gate after gate, each transformed, side by side again.
template <class F>
Tensor by_gate(const Tensor& kernel, std::int64_t gates, F transform) {
  const Tensor columns = transpose(kernel);
  const std::int64_t width = columns.shape()[0] / gates;
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < gates; ++i) {
    parts.push_back(transform(transpose(columns.rows(i * width, (i + 1) * width))));
  }
  return concatenate(parts, -1);
}

/// What cuDNN wants of each input kernel is the other way round.
Tensor from_cudnn(const Tensor& kernel) {
  return transpose(reshape(kernel, Shape{kernel.shape()[1], kernel.shape()[0]}));
}

class Converter {
 public:
  Converter(const Hdf5Reader& file, const std::vector<std::string>& datasets, const std::vector<Target>& targets,
            const Origin& origin)
      : file_(file), datasets_(datasets), targets_(targets), origin_(origin) {
    for (const Target& target : targets) elements_at_most_ += 4 * target.variable.value().size();
  }

  std::vector<Tensor> run(const Layer& layer) {
    while (values_.size() < targets_.size() && next_ < datasets_.size()) {
      if (!recurrent()) plain();
    }
    if (values_.size() != targets_.size() || next_ != datasets_.size()) {
      throw Error(file_.where() + ": the layer \"" + layer.name() + "\" has " + std::to_string(targets_.size()) +
                  " weights, the file has " + std::to_string(datasets_.size()));
    }
    return std::move(values_);
  }

 private:
  const Target* target(std::size_t offset, const char* name) const {
    const std::size_t place = values_.size() + offset;
    if (place >= targets_.size() || targets_[place].owner != targets_[values_.size()].owner) return nullptr;
    return targets_[place].variable.name() == name ? &targets_[place] : nullptr;
  }

  Shape stored_shape(std::size_t offset) const {
    return next_ + offset < datasets_.size() ? file_.shape(datasets_[next_ + offset]) : Shape{-1};
  }

  Tensor stored(std::size_t offset) const { return any_shape(file_, datasets_[next_ + offset], elements_at_most_); }

  /// LSTM and GRU of Keras 1 (arrays per gate) and of cuDNN.
  bool recurrent() {
    const Target* kernel = target(0, "kernel");
    const Target* inner = target(1, "recurrent_kernel");
    if (kernel == nullptr || inner == nullptr) return false;
    const std::string owner = kernel->owner->class_name();
    const bool is_lstm = owner.rfind("LSTM", 0) == 0, is_gru = owner.rfind("GRU", 0) == 0;
    if (!is_lstm && !is_gru) return false;
    const std::int64_t gates = is_lstm ? 4 : 3, units = inner->variable.shape()[0];
    const Target* bias = target(2, "bias");
    if (origin_.is_keras_1() && bias != nullptr && stored_shape(1) == Shape{units, units}) {
      keras_1(is_lstm ? std::vector<std::size_t>{0, 2, 1, 3} : std::vector<std::size_t>{0, 1, 2});
      return true;
    }
    if (bias == nullptr || stored_shape(2) != Shape{2 * gates * units}) return false;
    if (is_gru && bias->variable.shape().rank() != 2) {
      throw Error(file_.where() + ": \"" + datasets_[next_] + "\" is of a CuDNNGRU, whose weights only a GRU with " +
                  "reset_after=true can take");
    }
    values_.push_back(by_gate(checked(stored(0), kernel->variable.shape()), gates, from_cudnn));
    values_.push_back(by_gate(checked(stored(1), inner->variable.shape()), gates,
                              [](const Tensor& gate) { return transpose(gate); }));
    const Tensor both = stored(2);
    values_.push_back(is_lstm ? both.rows(0, gates * units) + both.rows(gates * units, 2 * gates * units)
                              : reshape(both, Shape{2, gates * units}));
    next_ += 3;
    return true;
  }

  void keras_1(const std::vector<std::size_t>& order) {
    for (std::size_t part = 0; part < 3; ++part) {
      std::vector<Tensor> gates;
      for (const std::size_t gate : order) {
        if (next_ + 3 * gate + part >= datasets_.size()) {
          throw Error(file_.where() + ": \"" + datasets_[next_] + "\" has too few arrays beside it");
        }
        gates.push_back(stored(3 * gate + part));
      }
      for (const Tensor& gate : gates) {
        const bool fits = gate.rank() == (part == 2 ? 1 : 2) && gate.shape() == gates.front().shape();
        if (!fits) throw Error(file_.where() + ": \"" + datasets_[next_] + "\" and those beside it differ in shape");
      }
      const Shape expected = targets_[values_.size()].variable.shape();
      values_.push_back(checked(concatenate(gates, -1), expected));
    }
    next_ += 3 * order.size();
  }

  void plain() {
    const Target& to = targets_[values_.size()];
    const Shape expected = to.variable.shape(), found = stored_shape(0);
    const bool is_kernel = expected.rank() >= 3 && to.owner->class_name().find("Conv") != std::string::npos &&
                           to.variable.name().find("kernel") != std::string::npos;
    Tensor value;
    if (is_kernel && origin_.is_keras_1() && found != expected) value = old_kernel(found, expected);
    if (!value.defined()) value = file_.read(datasets_[next_], expected);
    if (is_kernel && origin_.backend == "theano") {  // which turns kernels round
      for (int axis = 0; axis + 2 < expected.rank(); ++axis) value = flip(value, axis);
    }
    values_.push_back(std::move(value));
    ++next_;
  }

  /// Keras 1's orders of axes; a null tensor if it is none of these.
  Tensor old_kernel(const Shape& found, const Shape& expected) const {
    const int rank = expected.rank();
    if (rank == 3 && found.rank() == 4) {
      if (found == Shape{expected[0], 1, expected[1], expected[2]}) return reshape(stored(0), expected);
      if (found == Shape{expected[2], expected[1], expected[0], 1}) {
        return reshape(transpose(stored(0), {2, 3, 1, 0}), expected);
      }
    }
    if (rank == 4 && found == Shape{expected[3], expected[2], expected[0], expected[1]}) {
      return transpose(stored(0), {2, 3, 1, 0});
    }
    if (rank == 5 && found == Shape{expected[4], expected[3], expected[0], expected[1], expected[2]}) {
      return transpose(stored(0), {2, 3, 4, 1, 0});
    }
    return {};
  }

  Tensor checked(Tensor value, const Shape& expected) const {
    if (value.shape() == expected) return value;
    throw Error(file_.where() + ": \"" + datasets_[next_] + "\" has the shape " + value.shape().str() + " where " +
                expected.str() + " is needed");
  }

  const Hdf5Reader& file_;
  const std::vector<std::string>& datasets_;
  const std::vector<Target>& targets_;
  const Origin& origin_;
  std::int64_t elements_at_most_ = 64;
  std::size_t next_ = 0;
  std::vector<Tensor> values_;
};

}  // namespace

std::vector<Target> targets_of(const Layer& layer, const std::string& prefix) {
  std::vector<Target> trained, others;
  std::vector<const Layer*> visited;
  collect(layer, prefix, true, trained, others, visited);
  trained.insert(trained.end(), others.begin(), others.end());
  // A weight may count among those of two layers (SpectralNormalization); files hold it once.
  std::vector<Target> once;
  for (const Target& target : trained) {
    const bool seen =
        std::any_of(once.begin(), once.end(), [&](const Target& other) { return other.variable.is(target.variable); });
    if (!seen) once.push_back(target);
  }
  return once;
}

std::vector<Tensor> converted(const Hdf5Reader& file, const std::vector<std::string>& datasets,
                              const std::vector<Target>& targets, const Origin& origin, const Layer& layer) {
  StopRecording stop;
  return Converter(file, datasets, targets, origin).run(layer);
}

}  // namespace nyala::saving
