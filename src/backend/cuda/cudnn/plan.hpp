#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "backend/cuda/context.hpp"
#include "backend/cuda/cudnn/descriptor.hpp"

namespace nyala::backend::cuda {

/// Which engines may not be taken.
struct EngineRules {
  bool no_rounded_inputs = false;  // tensor cores and narrower types for float32 operands
  bool deterministic = false;
};

/// A graph of operations with the engines that cuDNN's heuristics name for it, best first. An engine that refuses when
/// its plan is made, or when it is run, gives way to the next.
class Plan {
 public:
  /// `parts`: every descriptor that the operations refer to, the operations last (`operations` of them).
  Plan(Context& context, std::vector<Descriptor> parts, std::size_t operations, const EngineRules& rules);

  /// Whether an engine has taken the graph so far.
  bool ready() const { return plan_.has_value(); }

  /// Runs on the context's stream. False, with nothing done, when no engine takes the graph.
  [[nodiscard]] bool run(Context& context, std::span<const std::int64_t> ids, std::span<void* const> pointers);

 private:
  /// Appends the engines of one heuristic to those not tried yet.
  void ask(cudnnBackendHeurMode_t mode);
  bool allowed(const Descriptor& configuration) const;
  /// Makes the plan of the next engine that agrees; false if there is none.
  bool advance(Context& context);

  std::vector<Descriptor> parts_, untried_;
  std::optional<Descriptor> graph_, configuration_, plan_;
  std::int64_t workspace_ = 0;
  EngineRules rules_;
  bool asked_for_fallback_ = false;
};

}  // namespace nyala::backend::cuda
