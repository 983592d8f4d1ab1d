#pragma once

#include <oneapi/dnnl/dnnl.hpp>

// oneDNN 2.x and 3.x behind one set of names: 3.x merged operation descriptors into primitive descriptors and dropped
// the scale of eltwise post-operations. An operation that oneDNN refuses is an empty descriptor here, never an
// exception.

namespace nyala::backend::onednn {

using Description = dnnl::memory::desc;

struct ConvolutionParts {
  Description source, weights, bias, target;  // bias: empty without one
  dnnl::memory::dims strides, dilation, pad_before, pad_after;
};

#if DNNL_VERSION_MAJOR >= 3

inline void append_eltwise(dnnl::post_ops& operations, dnnl::algorithm algorithm, float alpha) {
  operations.append_eltwise(algorithm, alpha, 0.0f);
}

inline auto describe_forward(const dnnl::engine& engine, dnnl::prop_kind kind, const ConvolutionParts& p,
                             const dnnl::primitive_attr& attributes) {
  using Primitive = dnnl::convolution_forward;
  const auto direct = dnnl::algorithm::convolution_direct;
  return Primitive::primitive_desc(engine, kind, direct, p.source, p.weights, p.bias, p.target, p.strides, p.dilation,
                                   p.pad_before, p.pad_after, attributes, true);
}

/// Primitive: dnnl::convolution_backward_data or dnnl::convolution_backward_weights.
template <class Primitive>
auto describe_backward(const dnnl::engine& engine, const ConvolutionParts& p, const dnnl::primitive_attr& attributes,
                       const dnnl::convolution_forward::primitive_desc& forward) {
  const auto direct = dnnl::algorithm::convolution_direct;
  return typename Primitive::primitive_desc(engine, direct, p.source, p.weights, p.target, p.strides, p.dilation,
                                            p.pad_before, p.pad_after, forward, attributes, true);
}

inline auto describe_matmul(const dnnl::engine& engine, const Description& a, const Description& b,
                            const Description& bias, const Description& c, const dnnl::primitive_attr& attributes) {
  return dnnl::matmul::primitive_desc(engine, a, b, bias, c, attributes, true);
}

#else

inline void append_eltwise(dnnl::post_ops& operations, dnnl::algorithm algorithm, float alpha) {
  operations.append_eltwise(1.0f, algorithm, alpha, 0.0f);
}

inline auto describe_forward(const dnnl::engine& engine, dnnl::prop_kind kind, const ConvolutionParts& p,
                             const dnnl::primitive_attr& attributes) {
  using Primitive = dnnl::convolution_forward;
  const auto direct = dnnl::algorithm::convolution_direct;
  return Primitive::primitive_desc(Primitive::desc(kind, direct, p.source, p.weights, p.bias, p.target, p.strides,
                                                   p.dilation, p.pad_before, p.pad_after),
                                   attributes, engine, true);
}

template <class Primitive>
auto describe_backward(const dnnl::engine& engine, const ConvolutionParts& p, const dnnl::primitive_attr& attributes,
                       const dnnl::convolution_forward::primitive_desc& forward) {
  const auto direct = dnnl::algorithm::convolution_direct;
  const typename Primitive::desc operation(direct, p.source, p.weights, p.target, p.strides, p.dilation, p.pad_before,
                                           p.pad_after);
  return typename Primitive::primitive_desc(operation, attributes, engine, forward, true);
}

inline auto describe_matmul(const dnnl::engine& engine, const Description& a, const Description& b,
                            const Description& bias, const Description& c, const dnnl::primitive_attr& attributes) {
  return dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, bias, c), attributes, engine, true);
}

#endif

}  // namespace nyala::backend::onednn
