#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include <nyala/ops/nn.hpp>

#include "backend/cpu/onednn/compat.hpp"
#include "backend/cpu/scratch.hpp"
#include "core/function_ref.hpp"

namespace nyala::backend::onednn {

const dnnl::engine& cpu_engine();

/// Keeps oneDNN from using instructions beyond those of a SimdTable's name. Before its first use.
void limit_instructions(const char* name);

/// Whether this processor has instructions for bfloat16.
bool has_bfloat16();

/// What a primitive was made for: every number that it depends on, in a fixed order, zeros behind.
struct PrimitiveKey {
  std::array<std::int64_t, 64> words{};
  std::size_t count = 0;

  void add(std::int64_t word) { words[count++] = word; }
  template <class Range>
  void add_all(const Range& range) {
    for (const auto word : range) add(word);
  }
  bool operator==(const PrimitiveKey& other) const;
  std::size_t hash() const;
};

/// A primitive with what its execution needs. `primitive` is empty where oneDNN refuses the operation.
struct Prepared {
  dnnl::primitive primitive;
  dnnl::primitive to_weights, from_weights;  // reorders between the user's and the primitive's weights; may be empty
  Description source, weights, user_weights, bias, target, scratchpad;

  bool reference = false;  // oneDNN's last resort, a hundred times slower than its other implementations

  bool usable() const { return static_cast<bool>(primitive); }
};

/// The primitive of that key, made by `make` on first use. At most 512 are kept: the ones used last. From any thread.
std::shared_ptr<const Prepared> prepared(const PrimitiveKey& key, detail::FunctionRef<Prepared()> make);

/// Attributes with a scratchpad of the caller's.
dnnl::primitive_attr caller_scratchpad();

/// Lets a primitive apply an activation to what it writes.
void add_activation(dnnl::primitive_attr& attributes, FusedActivation activation);

/// The description of memory as oneDNN reads it, with the address.
struct Argument {
  int name;
  const Description& description;
  const void* memory;
};

/// Runs on the calling thread, complete on return. The caller holds OpenMP at one thread (SingleThreadedOmp).
void execute(const dnnl::primitive& primitive, const Description& scratchpad,
             std::initializer_list<Argument> arguments);

}  // namespace nyala::backend::onednn
