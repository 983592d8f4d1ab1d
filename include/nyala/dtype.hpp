#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace nyala {

/// Element types. `string` tensors live on the host only and take part in no arithmetic.
enum class DType : std::uint8_t {
  boolean,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
  string
};

/// Bytes of one element; 0 for strings.
std::size_t size_of(DType dtype);
/// Keras' name: "float32", "bool", "string".
const char* name_of(DType dtype);
/// The inverse of name_of; throws Error (with a suggestion) for an unknown name.
DType dtype_from_name(const std::string& name);
bool is_floating(DType dtype);
/// Signed or unsigned integers; not bool.
bool is_integer(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);

/// The dtype that an operation on these computes in (Keras' lattice, keras.backend.result_type).
DType result_type(const std::vector<DType>& dtypes);

/// The element type of a C++ arithmetic type.
template <class T>
consteval DType dtype_of() {
  using U = std::remove_cv_t<T>;
  static_assert(std::is_arithmetic_v<U>, "a tensor holds arithmetic types");
  if (std::same_as<U, bool>) return DType::boolean;
  if (std::floating_point<U>) return sizeof(U) == 4 ? DType::float32 : DType::float64;
  constexpr int log2_size = sizeof(U) == 1 ? 0 : sizeof(U) == 2 ? 1 : sizeof(U) == 4 ? 2 : 3;
  return static_cast<DType>(static_cast<int>(std::is_signed_v<U> ? DType::int8 : DType::uint8) + log2_size);
}

namespace detail {
struct PolicyMap;
}  // namespace detail

/// The dtype of a layer's variables and of its arithmetic: "float32", "mixed_bfloat16", "mixed_float16",
/// DType::float64…; default-made: the global policy. https://keras.io/api/mixed_precision/policy
class DTypePolicy {
 public:
  DTypePolicy() = default;
  DTypePolicy(DType dtype);
  DTypePolicy(const char* name);
  DTypePolicy(const std::string& name);

  /// Whether this is a policy of its own and not the global one.
  bool given() const { return given_; }
  /// Resolved against the global policy where none was given.
  std::string name() const;
  DType compute_dtype() const;
  DType variable_dtype() const;
  bool operator==(const DTypePolicy& other) const { return name() == other.name(); }

  /// Of a DTypePolicyMap: what it says of the layer `name` in the one whose policy this is ("mha", then "query" in it;
  /// "" is the same layer); any other policy is the same for all. Throws Error if several of its patterns fit the path.
  DTypePolicy of_layer(const std::string& name) const;
  const std::shared_ptr<const detail::PolicyMap>& map() const { return map_; }
  /// Keras' object of a policy that quantizes, as JSON; "" for all others.
  const std::string& quantization() const { return quantization_; }

 private:
  friend struct detail::PolicyMap;

  std::shared_ptr<const detail::PolicyMap> map_;
  std::string path_;  // of the layer whose policy it is; in a map
  std::string quantization_;
  DType compute_ = DType::float32, variable_ = DType::float32;
  bool given_ = false, mixed_ = false;
};

/// The policy of layers that are given none. Default "float32".
void set_dtype_policy(const DTypePolicy& policy);
DTypePolicy dtype_policy();

/// Keras' floatx: the dtype of losses, metrics and tensors made without one. float16, bfloat16, float32 or float64.
DType floatx();
void set_floatx(DType dtype);

/// The small number that losses and metrics guard divisions and logarithms with. Default 1e-7.
double epsilon();
void set_epsilon(double value);

/// "channels_last" (default) or "channels_first": what layers take that are given none.
std::string image_data_format();
void set_image_data_format(const std::string& data_format);

}  // namespace nyala
