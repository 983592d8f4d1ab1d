#include "backend/cuda/cudnn/plan.hpp"

#include <algorithm>
#include <array>

namespace nyala::backend::cuda {
namespace {

/// Some engines fail to compile their kernels, or meet what they did not foresee, only when they are made.
bool failed_to_build(cudnnStatus_t status) {
  return refused(status) || CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_INTERNAL_ERROR;
}

}  // namespace

Plan::Plan(Context& context, std::vector<Descriptor> parts, std::size_t operations, const EngineRules& rules)
    : parts_(std::move(parts)), rules_(rules) {
  std::vector<cudnnBackendDescriptor_t> handles;
  for (auto part = parts_.end() - static_cast<std::ptrdiff_t>(operations); part != parts_.end(); ++part)
    handles.push_back(part->get());
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, context.dnn())
      .set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
           std::span<const cudnnBackendDescriptor_t>(handles));
  const cudnnStatus_t status = graph.try_finalize();
  if (refused(status)) {
    asked_for_fallback_ = true;
    return;
  }
  check(status, "cuDNN: the operation graph");
  graph_.emplace(std::move(graph));
  ask(CUDNN_HEUR_MODE_A);
  advance(context);
}

void Plan::ask(cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, *graph_)
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
  const cudnnStatus_t status = heuristics.try_finalize();
  if (refused(status)) return;
  check(status, "cuDNN: the heuristics");
  const std::int64_t count = heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                            std::span<cudnnBackendDescriptor_t>());
  std::vector<Descriptor> found;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (std::int64_t i = 0; i < count; ++i) {
    found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    handles.push_back(found.back().get());
  }
  if (count == 0) return;
  const std::int64_t filled = heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                             std::span<cudnnBackendDescriptor_t>(handles));
  for (std::int64_t i = 0; i < std::min(count, filled); ++i)
    untried_.push_back(std::move(found[static_cast<std::size_t>(i)]));
}

bool Plan::allowed(const Descriptor& configuration) const {
  if (!rules_.no_rounded_inputs && !rules_.deterministic) return true;
  const Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  std::array<cudnnBackendDescriptor_t, 1> handle{engine.get()};
  configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                    std::span<cudnnBackendDescriptor_t>(handle));
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  const std::int64_t count = engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                        std::span<cudnnBackendNumericalNote_t>(notes));
  for (std::size_t i = 0; i < std::min(notes.size(), static_cast<std::size_t>(count)); ++i) {
    const bool rounds =
        notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
    if (rounds && rules_.no_rounded_inputs) return false;
    if (notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC && rules_.deterministic) return false;
  }
  return true;
}

bool Plan::advance(Context& context) {
  plan_.reset();
  for (;;) {
    if (untried_.empty()) {
      if (asked_for_fallback_) return false;
      asked_for_fallback_ = true;
      ask(CUDNN_HEUR_MODE_FALLBACK);
      continue;
    }
    Descriptor configuration = std::move(untried_.front());
    untried_.erase(untried_.begin());
    if (!allowed(configuration)) continue;
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, context.dnn())
        .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    const cudnnStatus_t status = plan.try_finalize();
    if (failed_to_build(status)) continue;
    check(status, "cuDNN: the execution plan");
    plan.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, std::span<std::int64_t>(&workspace_, 1));
    configuration_.emplace(std::move(configuration));
    plan_.emplace(std::move(plan));
    return true;
  }
}

bool Plan::run(Context& context, std::span<const std::int64_t> ids, std::span<void* const> pointers) {
  while (plan_) {
    const Scratch workspace = context.scratch(static_cast<std::size_t>(workspace_));
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids)
        .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers)
        .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace.data());
    check(pack.try_finalize(), "cuDNN: the variant pack");
    const cudnnStatus_t status = cudnnBackendExecute(context.dnn(), plan_->get(), pack.get());
    if (!refused(status)) {
      check(status, "cuDNN: cudnnBackendExecute");
      return true;
    }
    advance(context);
  }
  return false;
}

}  // namespace nyala::backend::cuda
