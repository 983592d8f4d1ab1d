#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <nyala/dtype.hpp>

#include "backend/cuda/cudnn/plan.hpp"

namespace nyala::backend::cuda {

cudnnDataType_t dnn_type(DType dtype);

/// What all the addresses are multiples of, at most 16.
std::int64_t common_alignment(std::span<void* const> pointers);

/// What cuDNN calls a tensor's shape, the channels before the spatial axes; and where they lie.
struct ChannelsLast {
  std::vector<std::int64_t> dimensions, strides;

  /// Packed, the channels innermost.
  ChannelsLast(std::int64_t first, std::int64_t channels, std::span<const std::int64_t> spatial);
};

/// An operation graph of cuDNN as it grows: tensors, and operations between them in their order.
class GraphBuilder {
 public:
  using Numbers = std::vector<std::int64_t>;
  using Place = std::size_t;

  /// `alignment`: of every tensor in memory.
  explicit GraphBuilder(std::int64_t alignment) : alignment_(alignment) {}

  /// A tensor in memory, which the variant pack names by its id (below 100).
  Place stored(std::int64_t id, cudnnDataType_t type, const Numbers& dimensions, const Numbers& strides);
  /// A tensor that one operation hands to another; packed, the last axis innermost, unless strides are given.
  Place passing(cudnnDataType_t type, const Numbers& dimensions, const Numbers& strides = {});
  /// A float in the host's memory, read when the plan runs; of as many axes as the tensors have.
  Place number(std::int64_t id, std::size_t rank);

  struct Function {
    cudnnPointwiseMode_t mode;
    cudnnDataType_t precision = CUDNN_DATA_FLOAT;
    std::optional<std::int64_t> axis{};  // of GEN_INDEX
  };
  struct Operands {
    Place x;
    std::optional<Place> b{}, condition{};
  };
  void pointwise(const Function& function, const Operands& of, Place y);
  void reduction(cudnnReduceTensorOp_t by, Place x, Place y);
  void matmul(Place a, Place b, Place product);
  void reshape(Place x, Place y);

  /// A descriptor that is no operation, finalized here.
  Place keep(Descriptor&& part);
  const Descriptor& at(Place place) const { return parts_[place]; }
  void operation(Descriptor&& part) { operations_.push_back(std::move(part).finalized()); }

  Plan plan(Context& context, const EngineRules& rules) &&;

 private:
  Descriptor described(std::int64_t id, cudnnDataType_t type, const Numbers& dimensions, const Numbers& strides) const;

  std::int64_t alignment_, passing_ = 100;
  std::vector<Descriptor> parts_, operations_;
};

}  // namespace nyala::backend::cuda
