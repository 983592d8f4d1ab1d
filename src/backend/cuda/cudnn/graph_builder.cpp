#include "backend/cuda/cudnn/graph_builder.hpp"

namespace nyala::backend::cuda {

cudnnDataType_t dnn_type(DType dtype) {
  return dtype == DType::float16 ? CUDNN_DATA_HALF : dtype == DType::bfloat16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

std::int64_t common_alignment(std::span<void* const> pointers) {
  std::uintptr_t alignment = 16;
  for (const void* pointer : pointers)
    while (reinterpret_cast<std::uintptr_t>(pointer) % alignment != 0) alignment /= 2;
  return static_cast<std::int64_t>(alignment);
}

ChannelsLast::ChannelsLast(std::int64_t first, std::int64_t channels, std::span<const std::int64_t> spatial)
    : dimensions{first, channels}, strides{0, 1} {
  dimensions.insert(dimensions.end(), spatial.begin(), spatial.end());
  strides.resize(dimensions.size(), channels);
  for (std::size_t axis = dimensions.size() - 1; axis > 2; --axis) strides[axis - 1] = strides[axis] * dimensions[axis];
  strides[0] = strides[2] * dimensions[2];
}

Descriptor GraphBuilder::described(std::int64_t id, cudnnDataType_t type, const Numbers& dimensions,
                                   const Numbers& strides) const {
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id)
      .set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, alignment_)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, std::span<const std::int64_t>(dimensions))
      .set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, std::span<const std::int64_t>(strides));
  return tensor;
}

GraphBuilder::Place GraphBuilder::keep(Descriptor&& part) {
  parts_.push_back(std::move(part).finalized());
  return parts_.size() - 1;
}

GraphBuilder::Place GraphBuilder::stored(std::int64_t id, cudnnDataType_t type, const Numbers& dimensions,
                                         const Numbers& strides) {
  return keep(described(id, type, dimensions, strides));
}

GraphBuilder::Place GraphBuilder::passing(cudnnDataType_t type, const Numbers& dimensions, const Numbers& strides) {
  Numbers packed(dimensions.size(), 1);
  for (std::size_t axis = dimensions.size() - 1; axis > 0; --axis) packed[axis - 1] = packed[axis] * dimensions[axis];
  Descriptor tensor = described(passing_++, type, dimensions, strides.empty() ? packed : strides);
  tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, true);
  return keep(std::move(tensor));
}

GraphBuilder::Place GraphBuilder::number(std::int64_t id, std::size_t rank) {
  const Numbers ones(rank, 1);
  Descriptor tensor = described(id, CUDNN_DATA_FLOAT, ones, ones);
  tensor.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, true);
  return keep(std::move(tensor));
}

void GraphBuilder::pointwise(const Function& function, const Operands& of, Place y) {
  Descriptor described_function(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  described_function.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, function.mode)
      .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, function.precision);
  if (function.axis) described_function.set(CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, *function.axis);
  const Place by = keep(std::move(described_function));
  Descriptor made(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, parts_[by])
      .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, parts_[of.x])
      .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, parts_[y]);
  if (of.b) made.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, parts_[*of.b]);
  if (of.condition) made.set(CUDNN_ATTR_OPERATION_POINTWISE_TDESC, parts_[*of.condition]);
  operation(std::move(made));
}

void GraphBuilder::reduction(cudnnReduceTensorOp_t by, Place x, Place y) {
  Descriptor described_reduction(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  described_reduction.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, by)
      .set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  const Place how = keep(std::move(described_reduction));
  Descriptor made(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, parts_[how])
      .set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, parts_[x])
      .set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, parts_[y]);
  operation(std::move(made));
}

void GraphBuilder::matmul(Place a, Place b, Place product) {
  Descriptor described_product(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
  described_product.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  const Place how = keep(std::move(described_product));
  Descriptor made(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, parts_[how])
      .set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, parts_[a])
      .set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, parts_[b])
      .set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, parts_[product]);
  operation(std::move(made));
}

void GraphBuilder::reshape(Place x, Place y) {
  Descriptor made(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_RESHAPE_XDESC, parts_[x]).set(CUDNN_ATTR_OPERATION_RESHAPE_YDESC, parts_[y]);
  operation(std::move(made));
}

Plan GraphBuilder::plan(Context& context, const EngineRules& rules) && {
  const std::size_t count = operations_.size();
  for (Descriptor& operation : operations_) parts_.push_back(std::move(operation));
  return Plan(context, std::move(parts_), count, rules);
}

}  // namespace nyala::backend::cuda
