#include "support/gradcheck.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <sstream>

#include <nyala/autograd.hpp>
#include <nyala/backend.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/shape.hpp>

namespace nyala::testing {

ReferenceKernelsScope::ReferenceKernelsScope() : was_reference_(cpu_kernels() == "reference") {
  set_cpu_kernels("reference");
}

ReferenceKernelsScope::~ReferenceKernelsScope() {
  if (!was_reference_) set_cpu_kernels("auto");
}

Tensor scattered(const Shape& shape, double low, double high, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  const auto count = static_cast<double>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double jitter = 0.5 * static_cast<double>(engine()) / 0x1p32 + 0.25;
    values[i] = low + (high - low) * (static_cast<double>(i) + jitter) / count;
  }
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[engine() % i]);
  return tensor(values, shape);
}

namespace {

double weighted(const Tensor& y, const std::vector<double>& weights) {
  const std::vector<double> values = y.to_vector<double>();
  return std::inner_product(values.begin(), values.end(), weights.begin(), 0.0);
}

std::vector<Tensor> clones(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> copies;
  for (const Tensor& input : inputs) copies.push_back(input.clone());
  return copies;
}

/// The tensor with one element moved. By way of the CPU: the elements of a GPU's tensors cannot be touched.
Tensor moved_at(const Tensor& x, std::size_t i, double offset) {
  Tensor moved = x.to(Device()).clone();
  moved.data<double>()[i] += offset;
  return moved.to(x.device());
}

/// The derivative with respect to element i of inputs[k], by five points.
double difference(const Function& function, const std::vector<Tensor>& inputs, std::size_t k, std::size_t i,
                  const std::vector<double>& weights) {
  const auto at = [&](double offset) {
    std::vector<Tensor> moved = clones(inputs);
    moved[k] = moved_at(inputs[k], i, offset);
    return weighted(function(moved), weights);
  };
  const double h = 1e-4 * std::max(1.0, std::fabs(inputs[k].to_vector<double>()[i]));
  return (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h);
}

}  // namespace

std::string gradcheck(const Function& function, const std::vector<Tensor>& inputs, double tolerance) {
  const ReferenceKernelsScope reference;
  const std::vector<Tensor> watched = clones(inputs);
  GradientTape tape;
  for (const Tensor& input : watched) tape.watch(input);
  const Tensor y = function(watched);
  if (y.dtype() != DType::float64) return std::string("the output is ") + name_of(y.dtype());
  const Tensor weights = scattered(y.shape(), -1.0, 1.0, 7);
  const std::vector<Tensor> gradients = tape.gradient(y, watched, weights);
  const std::vector<double> numbers = weights.to_vector<double>();
  std::ostringstream report;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (gradients[k].defined() &&
        (gradients[k].shape() != inputs[k].shape() || gradients[k].dtype() != inputs[k].dtype())) {
      report << "gradient " << k << " is " << gradients[k].dtype() << ' ' << gradients[k].shape() << "; ";
      continue;
    }
    const std::vector<double> tape_values =
        (gradients[k].defined() ? gradients[k] : zeros_like(inputs[k])).to_vector<double>();
    for (std::size_t i = 0; i < tape_values.size(); ++i) {
      const double expected = difference(function, inputs, k, i, numbers);
      const double error = std::fabs(tape_values[i] - expected) / std::max(std::fabs(expected), 1e-3);
      if (error <= tolerance) continue;
      report << "input " << k << " element " << i << ": tape " << tape_values[i] << ", differences " << expected
             << "; ";
      break;
    }
  }
  return report.str();
}

std::string gradgradcheck(const Function& function, const std::vector<Tensor>& inputs, double tolerance) {
  Shape shape;
  {
    const ReferenceKernelsScope reference;
    shape = function(clones(inputs)).shape();
  }
  const Function gradients = [&](const std::vector<Tensor>& given) {
    const std::vector<Tensor> sources(given.begin(), given.end() - 1);
    GradientTape tape;
    for (const Tensor& source : sources) tape.watch(source);
    const Tensor y = function(sources);
    std::vector<Tensor> flat;
    for (const Tensor& gradient : tape.gradient(y, sources, given.back(), UnconnectedGradients::zero)) {
      flat.push_back(ravel(gradient));
    }
    return concatenate(flat, 0);
  };
  std::vector<Tensor> all = inputs;
  all.push_back(scattered(shape, -1.0, 1.0, 5));
  return gradcheck(gradients, all, tolerance);
}

}  // namespace nyala::testing
