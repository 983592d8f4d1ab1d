#include <atomic>

#include <nyala/dtype.hpp>
#include <nyala/error.hpp>

namespace nyala {

namespace {

struct Policy {
  DType compute = DType::float32, variable = DType::float32;
  bool given = false, mixed = false;
};

std::atomic<DType> default_float{DType::float32};
std::atomic<double> small_number{1e-7};
std::atomic<bool> channels_last{true};
std::atomic<Policy> global_policy{Policy{}};
static_assert(std::atomic<Policy>::is_always_lock_free);

Policy parse(const std::string& name) {
  if (name == "mixed_float16") return {DType::float16, DType::float32, true, true};
  if (name == "mixed_bfloat16") return {DType::bfloat16, DType::float32, true, true};
  try {
    const DType dtype = dtype_from_name(name);
    return {dtype, dtype, true, false};
  } catch (const Error&) {
    throw Error(
        "DTypePolicy: the name must be \"mixed_float16\", \"mixed_bfloat16\" or that of a dtype such as \"float32\", "
        "got \"" +
        name + "\"");
  }
}

/// The global policy; floatx until one is set.
Policy current() {
  Policy policy = global_policy.load();
  if (!policy.given) policy.compute = policy.variable = floatx();
  return policy;
}

}  // namespace

DTypePolicy::DTypePolicy(DType dtype) : compute_(dtype), variable_(dtype), given_(true) {}

DTypePolicy::DTypePolicy(const char* name) : DTypePolicy(std::string(name)) {}

DTypePolicy::DTypePolicy(const std::string& name) {
  const Policy policy = parse(name);
  compute_ = policy.compute;
  variable_ = policy.variable;
  given_ = policy.given;
  mixed_ = policy.mixed;
}

std::string DTypePolicy::name() const {
  const Policy policy = given_ ? Policy{compute_, variable_, true, mixed_} : current();
  return policy.mixed ? std::string("mixed_") + name_of(policy.compute) : name_of(policy.compute);
}

DType DTypePolicy::compute_dtype() const { return given_ ? compute_ : current().compute; }

DType DTypePolicy::variable_dtype() const { return given_ ? variable_ : current().variable; }

void set_dtype_policy(const DTypePolicy& policy) {
  global_policy.store(policy.given() ? parse(policy.name()) : Policy{});
}

DTypePolicy dtype_policy() {
  const Policy policy = current();
  return policy.mixed ? DTypePolicy(std::string("mixed_") + name_of(policy.compute)) : DTypePolicy(policy.compute);
}

DType floatx() { return default_float.load(std::memory_order_relaxed); }

void set_floatx(DType dtype) {
  if (!is_floating(dtype)) {
    throw Error(std::string("set_floatx: the dtype must be float16, bfloat16, float32 or float64, got ") +
                name_of(dtype));
  }
  default_float.store(dtype, std::memory_order_relaxed);
}

double epsilon() { return small_number.load(std::memory_order_relaxed); }

void set_epsilon(double value) {
  if (!(value >= 0.0)) throw Error("set_epsilon: the value must not be negative, got " + std::to_string(value));
  small_number.store(value, std::memory_order_relaxed);
}

std::string image_data_format() {
  return channels_last.load(std::memory_order_relaxed) ? "channels_last" : "channels_first";
}

void set_image_data_format(const std::string& data_format) {
  if (data_format != "channels_last" && data_format != "channels_first") {
    throw Error("set_image_data_format: the format must be \"channels_last\" or \"channels_first\", got \"" +
                data_format + "\"");
  }
  channels_last.store(data_format == "channels_last", std::memory_order_relaxed);
}

}  // namespace nyala
