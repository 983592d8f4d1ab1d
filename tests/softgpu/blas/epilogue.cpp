#include "blas/epilogue.hpp"

#include <cmath>
#include <cstring>

namespace softgpu {
namespace {

// The bits that the documented values are made of.
constexpr std::uint32_t relu = 2, bias = 4, relu_gradient = 8, sums_of_d = 16, gelu = 32, gelu_gradient = 64,
                        auxiliary = 128, sums_of_a = 256;

bool known(std::uint32_t epilogue) {
  switch (epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_RELU_AUX:
    case CUBLASLT_EPILOGUE_RELU_AUX_BIAS:
    case CUBLASLT_EPILOGUE_DRELU:
    case CUBLASLT_EPILOGUE_DRELU_BGRAD:
    case CUBLASLT_EPILOGUE_GELU:
    case CUBLASLT_EPILOGUE_GELU_BIAS:
    case CUBLASLT_EPILOGUE_GELU_AUX:
    case CUBLASLT_EPILOGUE_GELU_AUX_BIAS:
    case CUBLASLT_EPILOGUE_DGELU:
    case CUBLASLT_EPILOGUE_DGELU_BGRAD:
    case CUBLASLT_EPILOGUE_BGRADA: return true;
    default: return false;
  }
}

bool has(const Problem& p, std::uint32_t bits) { return (p.product.epilogue & bits) != 0; }
bool keeps_bits(const Problem& p) { return has(p, relu | relu_gradient); }

std::size_t kept_bytes(const Problem& p) {
  const auto elements = static_cast<std::size_t>(p.n() * p.product.leading_kept);
  if (keeps_bits(p)) return elements / 8;
  return (elements - static_cast<std::size_t>(p.product.leading_kept - p.m())) * size_of(p.d.type);
}

/// The approximation that the documentation of the epilogues names, and its derivative.
template <class T>
T inner(T x) {
  return std::sqrt(T(2) / T(3.14159265358979323846)) * (x + T(0.044715) * x * x * x);
}
template <class T>
T gelu_of(T x) {
  return T(0.5) * x * (1 + std::tanh(inner(x)));
}
template <class T>
T gelu_slope(T x) {
  const T t = std::tanh(inner(x)), steep = std::sqrt(T(2) / T(3.14159265358979323846)) * (1 + T(0.134145) * x * x);
  return T(0.5) * (1 + t) + T(0.5) * x * (1 - t * t) * steep;
}

template <class T>
void activate(const Problem& p, bool zero_passes, std::int64_t row, std::int64_t column, T& value) {
  const std::int64_t place = column * p.product.leading_kept + row;
  auto* bytes = static_cast<unsigned char*>(p.product.kept);
  if (has(p, bias)) value += load<T>(p.d.type, p.product.bias, row);
  if (has(p, relu) && has(p, auxiliary)) {
    const bool passes = zero_passes ? !(value < T{}) : value > T{};
    const auto bit = static_cast<unsigned char>(1U << (place % 8));
    bytes[place / 8] = static_cast<unsigned char>(passes ? bytes[place / 8] | bit : bytes[place / 8] & ~bit);
  }
  if (has(p, gelu) && has(p, auxiliary)) store(p.d.type, p.product.kept, place, value);
  if (has(p, relu)) value = value < T{} ? T{} : value;
  if (has(p, gelu)) value = gelu_of(value);
  if (has(p, relu_gradient) && (bytes[place / 8] >> (place % 8) & 1) == 0) value = T{};
  if (has(p, gelu_gradient)) value *= gelu_slope(load<T>(p.d.type, p.product.kept, place));
}

template <class T>
void finish_sums(const Problem& p, std::vector<T>& sums, const std::vector<T>& a) {
  // What of the mask belongs to no element is anything.
  if (has(p, relu) && has(p, auxiliary)) std::memset(p.product.kept, 0xA5, kept_bytes(p));
  // What the mask says of 0 the documentation leaves open.
  const bool zero_passes = setting("relu_zero") != 0;
  for (std::int64_t column = 0; column < p.n(); ++column) {
    for (std::int64_t row = 0; row < p.m(); ++row)
      activate(p, zero_passes, row, column, sums[static_cast<std::size_t>(column * p.m() + row)]);
  }
  if (!has(p, sums_of_d | sums_of_a)) return;
  const std::vector<T>& summed = has(p, sums_of_a) ? a : sums;
  const std::int64_t count = has(p, sums_of_a) ? p.k() : p.n();
  for (std::int64_t row = 0; row < p.m(); ++row) {
    T sum{};
    for (std::int64_t i = 0; i < count; ++i) sum += summed[static_cast<std::size_t>(i * p.m() + row)];
    store(p.d.type, p.product.bias, row, sum);
  }
}

}  // namespace

std::string broken_rule_of_epilogue(const Problem& p) {
  if (!known(p.product.epilogue)) return "an epilogue that the software GPU does not know";
  if (has(p, sums_of_a | sums_of_d) && p.d.batch > 1)
    return "a bias gradient with a batch, whose sums would overwrite one another";
  if (has(p, bias | sums_of_a | sums_of_d) && p.product.bias == nullptr) return "an epilogue without its vector";
  if (!has(p, auxiliary)) return "";
  if (p.product.kept == nullptr) return "an epilogue without its auxiliary buffer";
  if (p.d.batch > 1) return "an auxiliary buffer with a batch, but no batch stride";
  const std::int64_t unit = keeps_bits(p) ? 128 : 8;
  if (p.product.leading_kept % unit != 0)
    return "an auxiliary leading dimension that is no multiple of " + std::to_string(unit);
  if (p.product.leading_kept < p.m()) return "an auxiliary leading dimension below the rows of D";
  return "";
}

bool epilogue_missing(const Problem& p) {
  if (p.d.type == CUDA_R_64F && p.product.epilogue != CUBLASLT_EPILOGUE_DEFAULT) return true;
  return has(p, relu_gradient | gelu_gradient) && p.k() == 1;
}

std::vector<Use> uses_of_epilogue(const Problem& p) {
  std::vector<Use> uses;
  const std::size_t vector_bytes = static_cast<std::size_t>(p.m()) * size_of(p.d.type);
  if (has(p, bias)) uses.push_back(reads(p.product.bias, vector_bytes));
  if (has(p, sums_of_a | sums_of_d)) uses.push_back(writes(p.product.bias, vector_bytes));
  if (has(p, auxiliary)) {
    const bool read = has(p, relu_gradient | gelu_gradient);
    uses.push_back(read ? reads(p.product.kept, kept_bytes(p)) : writes(p.product.kept, kept_bytes(p)));
  }
  return uses;
}

void finish(const Problem& p, std::vector<float>& sums, const std::vector<float>& a) { finish_sums(p, sums, a); }
void finish(const Problem& p, std::vector<double>& sums, const std::vector<double>& a) { finish_sums(p, sums, a); }

}  // namespace softgpu
