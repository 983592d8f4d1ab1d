#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nyala/nyala.hpp>

// Causality told to the kernels gives what a mask gives.

namespace {

using namespace nyala;

Tensor wave(const Shape& shape, double phase, DType dtype) {
  return cast(reshape(sin(cast(arange(shape.elements()), DType::float64) * 1.7 + phase), shape), dtype);
}

/// The first output of a call on {query, value}, and the gradients of both by a weighted sum of it.
std::vector<Tensor> with_gradients(const LayerRef& layer, const Tensors& inputs, const CallContext& context) {
  GradientTape tape({.watch_accessed_variables = false});
  for (const Tensor& x : inputs) tape.watch(x);
  const Tensor y = layer->outputs(inputs, context)[0];
  std::vector<Tensor> all = tape.gradient(sum(y * wave(y.shape(), 0.4, y.dtype())), inputs.vector());
  all.push_back(y);
  return all;
}

void check_near(const std::vector<Tensor>& found, const std::vector<Tensor>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("tensor " << i);
    REQUIRE(found[i].shape() == expected[i].shape());
    CHECK(max(abs(found[i] - expected[i])).to_vector<double>().front() < tolerance);
  }
}

}  // namespace

TEST_CASE("use_causal_mask is the mask of what came before") {
  for (const auto& [rows, columns] : std::vector<std::pair<std::int64_t, std::int64_t>>{{6, 6}, {3, 7}, {7, 3}}) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      CAPTURE(rows);
      const std::string name = name_of(dtype);
      const Tensors inputs{wave({2, rows, 8}, 0.1, dtype), wave({2, columns, 8}, 0.2, dtype)};
      const double tolerance = dtype == DType::float32 ? 1e-5 : 1e-13;
      CallContext causal, masked, scores;
      causal.arguments = Config::object({{"use_causal_mask", true}});
      scores.arguments = Config::object({{"use_causal_mask", true}, {"return_attention_scores", true}});
      masked.tensors["attention_mask"] = cast(expand_dims(tri(rows, columns, 0, DType::float32), 0), DType::boolean);
      for (const LayerRef& layer :
           {LayerRef(MultiHeadAttention({.num_heads = 2, .key_dim = 4, .dtype = name})),
            LayerRef(
                GroupQueryAttention({.head_dim = 4, .num_query_heads = 4, .num_key_value_heads = 2, .dtype = name}))}) {
        const std::vector<Tensor> found = with_gradients(layer, inputs, causal);
        check_near(found, with_gradients(layer, inputs, masked), tolerance);
        check_near(found, with_gradients(layer, inputs, scores), tolerance);
      }
      for (const LayerRef& layer :
           {LayerRef(Attention({.use_scale = true, .dtype = name})), LayerRef(Attention({.dtype = name})),
            LayerRef(AdditiveAttention({.dtype = name}))}) {
        check_near(with_gradients(layer, inputs, causal), with_gradients(layer, inputs, scores), tolerance);
      }
    }
  }
}
