#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <nyala/model.hpp>

#include "model/graph.hpp"

namespace nyala::detail {

/// The sum of a quantity over samples, in double: on the host, or where the values are until somebody asks.
struct RunningMean {
  double total = 0.0, count = 0.0;
  Tensor pending = {};  // on a GPU: what is not in `total` yet

  void add(double value, double weight) { total += value * weight, count += weight; }
  /// Of several values their mean.
  void add(const Tensor& value, double weight);
  double sum() const { return pending.defined() ? total + pending.item<double>() : total; }
  double mean() const { return count == 0.0 ? 0.0 : sum() / count; }
};

/// What compile sets.
struct Compiled {
  struct OutputMetric {
    MetricRef reference;
    std::shared_ptr<Metric> metric;  // null until the shapes of the first batch tell which it is
    std::string given_name;
    std::size_t output = 0;
    bool weighted = false;
  };

  std::shared_ptr<Optimizer> optimizer;
  bool wrapped = false;  // the optimizer, by compile: the user's own is its inner_optimizer()
  Losses losses_given;
  CompileOptions options;
  std::vector<std::shared_ptr<Loss>> losses;  // one per output; null: none. Resolved when the outputs are known.
  std::vector<double> loss_weights;
  std::vector<OutputMetric> metrics;
  std::vector<std::string> metric_names;  // log names, like `metrics`
  bool resolved = false;
  /// As in Keras 2.3 to 2.9: what a mask leaves out counts as a loss of 0, in the mean too.
  bool masks_weigh = false;
  /// Not Nyala's: what a file said, for the Keras that reads it next; "auto" is what compile has there.
  Config jit_compile = "auto";

  RunningMean loss;
  std::vector<RunningMean> output_losses;
  std::vector<std::string> loss_names;  // of several outputs
  std::vector<std::pair<std::string, RunningMean>> added_metrics;
};

enum class ModelKind : unsigned char { graph, sequential, subclass };

struct ModelState {
  ModelKind kind = ModelKind::subclass;
  std::vector<KerasTensor> inputs, outputs;
  /// How a file nests them (a list, an object of names), with their places as leaves; null: a list, or the only one.
  Config input_structure, output_structure;
  Plan plan;  // graph, and sequential once that is `planned`
  std::atomic<bool> planned{false};
  std::vector<LayerRef> sequence;  // sequential, without the Input
  std::unordered_set<std::string> sequence_names;
  LayerRef input_layer;  // sequential, if there is one
  std::size_t output_count = 1;
  std::optional<Compiled> compiled;
  /// Which Keras 3.x wrote the file that it came from, and should read those it is saved to; null: the latest.
  std::optional<int> keras3_minor;
  bool stop_training = false;
  /// Rows that go through the model at a time in inference; 0: all of a batch; -1: not known yet. See Slices.
  std::atomic<std::int64_t> slice_rows{-1};
  std::weak_ptr<Layer> as_layer;  // what stands for the model in the graphs that call it
};

/// Builds a sequential model's chain for that input (with batch axis), remembering the symbolic places.
void build_sequence(ModelState& state, const Shape& input, DType dtype);
/// Names of the inputs: those under which a file nests them, or their layers'.
std::vector<std::string> input_names_of(const ModelState& state);
/// Names of the outputs as losses and logs use them.
std::vector<std::string> output_names_of(const ModelState& state, std::size_t count);

}  // namespace nyala::detail
