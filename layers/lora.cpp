#include <nyala/error.hpp>
#include <nyala/layers/lora.hpp>
#include <nyala/ops.hpp>

namespace nyala {

double Lora::scale() const { return static_cast<double>(alpha.value_or(*rank)) / static_cast<double>(*rank); }

Tensor Lora::merged(const Tensor& kernel) const {
  return kernel + cast(matmul(Tensor(a), Tensor(b)) * scale(), kernel.dtype());
}

void Lora::write(Config& config) const {
  if (!rank) return;
  config["lora_rank"] = *rank;
  config["lora_alpha"] = alpha.value_or(*rank);
}

namespace {

void check(const std::string& owner, std::optional<int> rank, std::optional<int> alpha, bool constrained) {
  if (rank && *rank < 1) throw Error(owner + ": lora_rank must be positive, got " + std::to_string(*rank));
  if (alpha && *alpha < 1) throw Error(owner + ": lora_alpha must be positive, got " + std::to_string(*alpha));
  if (rank && constrained) throw Error(owner + ": LoRA and a constraint of the kernel exclude each other");
}

}  // namespace

WithLora::WithLora(const std::string& owner, std::optional<int> rank, std::optional<int> alpha, bool constrained)
    : lora_{.rank = rank, .alpha = alpha} {
  check(owner, rank, alpha, constrained);
}

void WithLora::ask_for_lora(const std::string& owner, bool built, int rank, std::optional<int> alpha,
                            bool constrained) {
  if (!built) throw Error(owner + ": enable_lora needs a layer that is built");
  if (lora_.enabled()) throw Error(owner + ": LoRA is already enabled");
  check(owner, rank, alpha, constrained);
  lora_.rank = rank;
  lora_.alpha = alpha;
}

void WithLora::add_lora(const AddWeight& add_weight, const std::string& prefix) {
  if (!lora_.rank) return;
  Shape a = kernel_.shape();
  a.back() = *lora_.rank;
  lora_.a = add_weight(prefix + "_a", a, "he_uniform");
  lora_.b = add_weight(prefix + "_b", {*lora_.rank, kernel_.shape().back()}, "zeros");
  kernel_.set_trainable(false);
}

std::vector<Variable> WithLora::stored_variables() const {
  if (!lora_.enabled()) return {};
  return bias_.defined() ? std::vector<Variable>{kernel_, bias_} : std::vector<Variable>{kernel_};
}

std::vector<Tensor> WithLora::stored_values() const {
  std::vector<Tensor> values{lora_.merged(kernel_.value())};
  if (bias_.defined()) values.push_back(bias_.value());
  return values;
}

std::vector<Variable> WithLora::cleared_variables() const {
  return lora_.enabled() ? std::vector<Variable>{lora_.a, lora_.b} : std::vector<Variable>{};
}

}  // namespace nyala
