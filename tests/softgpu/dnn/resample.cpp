#include <algorithm>
#include <cmath>

#include "dnn/graph.hpp"
#include "runtime/product.hpp"

// Pooling: windows of whole numbers over channels-last data, their averages without the padding, and the gradient of
// those.

namespace softgpu::dnn {
namespace {

cudnnStatus_t finalize_pool_window(Descriptor& d) {
  if (const auto status =
          require(d, {CUDNN_ATTR_RESAMPLE_MODE, CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS,
                      CUDNN_ATTR_RESAMPLE_POST_PADDINGS, CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, CUDNN_ATTR_RESAMPLE_STRIDES,
                      CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, CUDNN_ATTR_RESAMPLE_PADDING_MODE});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  if (d.one<cudnnDataType_t>(CUDNN_ATTR_RESAMPLE_COMP_TYPE) != CUDNN_DATA_FLOAT)
    return bad("pooling: another compute type than FLOAT", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  const std::int64_t spatial = d.one<std::int64_t>(CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS);
  if (spatial < 2 || spatial > 3) return bad("pooling: spatial dimensions other than 2 or 3");
  Resample& r = d.resample;
  r.mode = d.one<cudnnResampleMode_t>(CUDNN_ATTR_RESAMPLE_MODE);
  const bool maximum = r.mode == CUDNN_RESAMPLE_MAXPOOL;
  if (!maximum && r.mode != CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING)
    return bad("pooling: a mode that the software GPU does not know", CUDNN_STATUS_NOT_SUPPORTED);
  r.padding = d.one<cudnnPaddingMode_t>(CUDNN_ATTR_RESAMPLE_PADDING_MODE);
  if ((r.padding == CUDNN_NEG_INF_PAD) != maximum)
    return bad("pooling: a maximum goes with a padding of -inf, an average with one of zeros");
  r.propagates_nan = d.has(CUDNN_ATTR_RESAMPLE_NAN_PROPAGATION) &&
                     d.one<cudnnNanPropagation_t>(CUDNN_ATTR_RESAMPLE_NAN_PROPAGATION) == CUDNN_PROPAGATE_NAN;
  const auto take = [&](cudnnBackendAttributeName_t name, std::int64_t least, std::array<std::int64_t, 3>& out) {
    const std::vector<cudnnFraction_t> values = d.all<cudnnFraction_t>(name);
    if (static_cast<std::int64_t>(values.size()) != spatial) return false;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].denominator != 1 || values[i].numerator < least) return false;
      out[out.size() - values.size() + i] = values[i].numerator;
    }
    return true;
  };
  if (!take(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, 0, r.before) || !take(CUDNN_ATTR_RESAMPLE_POST_PADDINGS, 0, r.after) ||
      !take(CUDNN_ATTR_RESAMPLE_STRIDES, 1, r.stride) || !take(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, 1, r.window))
    return bad("pooling: windows, paddings or strides that are out of range, fractions, or not one per dimension");
  d.workspace = spatial;
  return CUDNN_STATUS_SUCCESS;
}

/// Sizes of the spatial axes, three of them.
std::array<std::int64_t, 3> places_of(const TensorSpec& tensor) {
  std::array<std::int64_t, 3> out{1, 1, 1};
  std::copy(tensor.dimensions.begin() + 2, tensor.dimensions.end(),
            out.end() - static_cast<std::ptrdiff_t>(tensor.dimensions.size() - 2));
  return out;
}

cudnnStatus_t finalize_pooling(Descriptor& d) {
  const bool backward = d.type == CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR;
  const auto how = backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC;
  const auto x = backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC;
  const auto y = backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC;
  if (const auto status = require(d, {how, x, y}); status != CUDNN_STATUS_SUCCESS) return status;
  const Descriptor& window = d.part(how);
  if (window.type != CUDNN_BACKEND_RESAMPLE_DESCRIPTOR)
    return bad("pooling: the window is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  for (const auto name : {x, y})
    if (d.part(name).type != CUDNN_BACKEND_TENSOR_DESCRIPTOR)
      return bad("pooling: a tensor is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  Resample& r = d.resample;
  r = window.resample;
  r.backward = backward;
  r.x = d.part(x).tensor;
  r.y = d.part(y).tensor;
  if (backward && r.mode == CUDNN_RESAMPLE_MAXPOOL) return bad("pooling: the gradient of a maximum without its index");
  const auto rank = static_cast<std::size_t>(window.workspace) + 2;
  if (r.x.dimensions.size() != rank || r.y.dimensions.size() != rank)
    return bad("pooling: tensors of another rank than the window's");
  if (r.x.is_virtual || r.y.is_virtual || r.x.is_by_value || r.y.is_by_value)
    return bad("pooling: a tensor that is not in the device's memory");
  const std::array<std::int64_t, 3> in = places_of(r.x), out = places_of(r.y);
  bool fits = r.x.dimensions[0] == r.y.dimensions[0] && r.x.dimensions[1] == r.y.dimensions[1];
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t room = in[axis] + r.before[axis] + r.after[axis] - r.window[axis];
    fits = fits && room >= 0 && room / r.stride[axis] + 1 == out[axis];
    if (r.before[axis] >= r.window[axis] || r.after[axis] >= r.window[axis])
      return bad("pooling: a padding that is no smaller than the window");
  }
  if (!fits)
    return bad("pooling: y's shape does not follow from x and the window", CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

cudnnStatus_t finalize_resample(Descriptor& d) {
  return d.type == CUDNN_BACKEND_RESAMPLE_DESCRIPTOR ? finalize_pool_window(d) : finalize_pooling(d);
}

std::optional<std::int64_t> plan_resample(Engine engine, const Resample& r) {
  for (const TensorSpec* each : {&r.x, &r.y})
    if (each->type != r.x.type || !channels_last(*each)) return std::nullopt;
  const std::int64_t multiple = r.x.type == CUDNN_DATA_FLOAT ? 4 : 8;
  if (r.x.alignment < 16 || r.y.alignment < 16 || r.x.dimensions[1] % multiple != 0) return std::nullopt;
  if (engine == Engine::pooling) return 64;
  // Fast for small windows, whose gradients meet in the cells that they share.
  if (r.window[0] * r.window[1] * r.window[2] > 4) return std::nullopt;
  return 0;
}

void execute_resample(const Resample& r, const Operands& operands) {
  const std::array<std::int64_t, 3> in = places_of(r.x), out = places_of(r.y);
  const std::int64_t channels = r.x.dimensions[1], inputs = in[0] * in[1] * in[2], outputs = out[0] * out[1] * out[2];
  void *const x = operands.memory.at(r.x.id), *const y = operands.memory.at(r.y.id);
  const cudaDataType_t type = cuda_type(r.x.type);
  std::vector<float> gradient(r.backward ? static_cast<std::size_t>(inputs * channels) : 0);
  for (std::int64_t sample = 0; sample < r.x.dimensions[0]; ++sample) {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    for (std::int64_t position = 0; position < outputs; ++position) {
      const std::array<std::int64_t, 3> at{position / (out[1] * out[2]), position / out[2] % out[1], position % out[2]};
      std::array<std::int64_t, 3> first{}, last{};
      std::int64_t count = 1;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t begin = at[axis] * r.stride[axis] - r.before[axis];
        first[axis] = std::max<std::int64_t>(begin, 0);
        last[axis] = std::min(begin + r.window[axis], in[axis]);
        count *= last[axis] - first[axis];
      }
      for (std::int64_t channel = 0; channel < channels; ++channel) {
        const std::int64_t to = (sample * outputs + position) * channels + channel;
        const bool maximum = r.mode == CUDNN_RESAMPLE_MAXPOOL;
        float value = maximum ? -INFINITY : 0.0F;
        const float share = r.backward ? load<float>(type, y, to) / static_cast<float>(count) : 0.0F;
        for (std::int64_t i = first[0]; i < last[0]; ++i) {
          for (std::int64_t j = first[1]; j < last[1]; ++j) {
            for (std::int64_t k = first[2]; k < last[2]; ++k) {
              const std::int64_t cell = ((i * in[1] + j) * in[2] + k) * channels + channel;
              if (r.backward) {
                gradient[static_cast<std::size_t>(cell)] += share;
                continue;
              }
              const float next = load<float>(type, x, sample * inputs * channels + cell);
              if (!maximum)
                value += next;
              else if (next > value || (std::isnan(next) && r.propagates_nan))
                value = next;
            }
          }
        }
        if (!r.backward) store(type, y, to, maximum ? value : value / static_cast<float>(count));
      }
    }
    for (std::size_t i = 0; i < gradient.size(); ++i)
      store(type, x, sample * inputs * channels + static_cast<std::int64_t>(i), gradient[i]);
  }
}

}  // namespace softgpu::dnn
