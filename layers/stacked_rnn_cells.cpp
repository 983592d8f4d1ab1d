#include <nyala/error.hpp>
#include <nyala/layers/recurrent.hpp>
#include <nyala/serialization.hpp>

namespace nyala {

namespace {

const RecurrentCell& cell_of(const LayerRef& layer) { return static_cast<const RecurrentCell&>(*layer); }

}  // namespace

StackedRNNCells::StackedRNNCells(const std::vector<LayerRef>& cells, BaseOptions options) : LayerOf(options) {
  if (cells.empty()) throw Error("StackedRNNCells: at least one cell is needed");
  for (const LayerRef& cell : cells) {
    if (!cell.defined() || dynamic_cast<const RecurrentCell*>(cell.pointer().get()) == nullptr) {
      throw Error("StackedRNNCells: each cell must be of a class derived from RecurrentCell, got " +
                  (cell.defined() ? "a " + cell->class_name() : "none"));
    }
    if (cell_of(cell).step_rank() != 2) throw Error("StackedRNNCells: a cell over (batch, features) is needed");
  }
  cells_ = track(cells, "cells");
}

StackedRNNCells StackedRNNCells::from_config(const Config& config) {
  std::vector<LayerRef> cells;
  for (const Config& cell : config.at("cells").items()) cells.push_back(layer_from_config(cell));
  return StackedRNNCells(cells, with_base(BaseOptions{}, config));
}

void StackedRNNCells::build(const Shape& input) {
  Shape step = input;
  for (const LayerRef& cell : cells_) {
    cell->build_now({step});
    step = {input[0], cell_of(cell).output_size()};
  }
}

std::vector<std::int64_t> StackedRNNCells::state_sizes() const {
  std::vector<std::int64_t> sizes;
  for (const LayerRef& cell : cells_) {
    for (const std::int64_t size : cell_of(cell).state_sizes()) sizes.push_back(size);
  }
  return sizes;
}

std::vector<Tensor> StackedRNNCells::initial_states(const Shape& step) const {
  std::vector<Tensor> states;
  Shape input = step;
  for (const LayerRef& cell : cells_) {
    for (const Tensor& state : cell_of(cell).initial_states(input)) states.push_back(state);
    input = {step[0], cell_of(cell).output_size()};
  }
  return states;
}

std::int64_t StackedRNNCells::output_size() const { return cell_of(cells_.back()).output_size(); }

void StackedRNNCells::begin_sequence(const Tensor& x, const std::vector<Tensor>& states) {
  Tensor input = x;
  auto next = states.begin();
  for (const LayerRef& cell : cells_) {
    auto& own = static_cast<RecurrentCell&>(*cell);
    const auto count = static_cast<std::ptrdiff_t>(own.state_sizes().size());
    own.begin_sequence(input, {next, next + count});
    next += count;
    input = zeros({x.shape()[0], own.output_size()}, x.dtype());
  }
}

Tensors StackedRNNCells::call(const Tensors& inputs, bool training) {
  const std::size_t states = state_sizes().size();
  if (inputs.size() != 1 + states) {
    throw Error("takes the input and " + std::to_string(states) + " states, got " + std::to_string(inputs.size()) +
                " tensors");
  }
  Tensor x = inputs[0];
  auto next = inputs.begin() + 1;
  std::vector<Tensor> after;
  for (const LayerRef& cell : cells_) {
    const auto count = static_cast<std::ptrdiff_t>(cell_of(cell).state_sizes().size());
    std::vector<Tensor> own{x};
    own.insert(own.end(), next, next + count);
    next += count;
    const Tensors results = cell->outputs(own, CallContext{.training = training});
    x = results[0];
    after.insert(after.end(), results.begin() + 1, results.end());
  }
  after.insert(after.begin(), x);
  return after;
}

Config StackedRNNCells::config() const {
  Config config = base_config();
  config["cells"] = Config::array();
  for (const LayerRef& cell : cells_) config["cells"].push_back(to_config(cell));
  return config;
}

}  // namespace nyala
