#include <nyala/regularizers.hpp>

#include <cmath>

#include <nyala/error.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

namespace nyala {

namespace {

double checked_factor(double factor, const char* owner, const char* name) {
  if (!(factor >= 0.0) || std::isinf(factor)) {
    throw Error(std::string(owner) + ": " + name + " must be a number that is not negative, got " +
                Config(factor).json());
  }
  return factor;
}

/// Keras keeps some factors in a float32 tensor, and its files show it.
double through_float32(double value) { return static_cast<double>(static_cast<float>(value)); }

}  // namespace

L1::L1(double l1) : l1_(checked_factor(l1, "L1", "l1")) {}
Tensor L1::operator()(const Tensor& x) { return sum(abs(x)) * l1_; }
Config L1::config() const { return Config::object({{"l1", through_float32(l1_)}}); }

L2::L2(double l2) : l2_(checked_factor(l2, "L2", "l2")) {}
Tensor L2::operator()(const Tensor& x) { return sum(square(x)) * l2_; }
Config L2::config() const { return Config::object({{"l2", l2_}}); }

L1L2::L1L2(L1L2Options options)
    : l1_(checked_factor(options.l1, "L1L2", "l1")), l2_(checked_factor(options.l2, "L1L2", "l2")) {}

Tensor L1L2::operator()(const Tensor& x) {
  if (l2_ == 0.0) return sum(abs(x)) * l1_;
  if (l1_ == 0.0) return sum(square(x)) * l2_;
  return sum(abs(x)) * l1_ + sum(square(x)) * l2_;
}

Config L1L2::config() const { return Config::object({{"l1", l1_}, {"l2", l2_}}); }

OrthogonalRegularizer::OrthogonalRegularizer(OrthogonalRegularizerOptions options)
    : factor_(checked_factor(options.factor, "OrthogonalRegularizer", "factor")), mode_(std::move(options.mode)) {
  if (mode_ != "rows" && mode_ != "columns")
    throw Error("OrthogonalRegularizer: mode must be \"rows\" or \"columns\", got \"" + mode_ + "\"");
}

Tensor OrthogonalRegularizer::operator()(const Tensor& x) {
  if (x.rank() != 2) throw Error("OrthogonalRegularizer: takes matrices only, got the shape " + x.shape().str());
  const bool rows = mode_ == "rows";
  const Tensor directions = normalize(x, rows ? 1 : 0);
  const Tensor cosines = rows ? matmul(directions, directions, false, true) : matmul(directions, directions, true);
  const std::int64_t count = cosines.shape()[0];
  const double pairs = static_cast<double>(count) * (static_cast<double>(count) - 1.0) / 2.0;
  return sum(abs(cosines * (1.0 - eye(count, count, 0, x.dtype())))) * (factor_ * 0.5) / pairs;
}

Config OrthogonalRegularizer::config() const {
  return Config::object({{"factor", through_float32(factor_)}, {"mode", mode_}});
}

OrthogonalRegularizer OrthogonalRegularizer::from_config(const Config& config) {
  return OrthogonalRegularizer({.factor = config.get("factor", 0.01), .mode = config.get("mode", "rows")});
}

}  // namespace nyala
