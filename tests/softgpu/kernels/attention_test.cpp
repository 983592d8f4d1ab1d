#include <nyala/autograd.hpp>
#include <nyala/nyala.hpp>
#include <nyala/ops/attention.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>

#include "compare.hpp"
#include "control.h"

using namespace gpu_check;

// Attention in half precision is cuDNN's where it can be, and made of products and a softmax where it cannot: with the
// values and gradients that the CPU has in float64 for the same operands, either way.

namespace {

struct AttentionCase {
  const char* what;
  std::int64_t batch = 2, rows = 7, columns = 9, heads = 4, groups = 4, dim = 16, width = 8;
  Shape mask{};  // empty: none
  bool causal = false;
};

/// Some of it false; of a mask of whole rows, the rows of index 1 are false throughout.
Tensor mask_of(const AttentionCase& c) {
  if (c.mask.rank() == 0) return {};
  Tensor mask = Tensor::empty(c.mask, DType::boolean);
  const std::int64_t columns = c.mask.at(-1), rows = c.mask.rank() > 1 ? c.mask.at(-2) : 1;
  const auto draws = numbers(mask.size(), 5);
  for (std::int64_t i = 0; i < mask.size(); ++i)
    mask.data<bool>()[i] = draws[static_cast<std::size_t>(i)] > -0.3 && (rows == 1 || i / columns % rows != 1);
  return mask;
}

enum class Way { keras, layers };

/// The output, then the gradients of query, key and value.
Tensors run(const AttentionCase& c, Way way, const Device& device, DType computed, DType stored, bool gradients = true,
            double dropout = 0.0) {
  const auto operand = [&](std::int64_t time, std::int64_t heads, std::int64_t dim, std::uint64_t seed) {
    return nyala::cast(noise({c.batch, time, heads, dim}, seed, stored), computed).to(device);
  };
  const Tensor query = operand(c.rows, c.heads, c.dim, 1), key = operand(c.columns, c.groups, c.dim, 2),
               value = operand(c.columns, c.groups, c.width, 3), factor = operand(c.rows, c.heads, c.width, 4);
  const Tensor mask = mask_of(c).defined() ? mask_of(c).to(device) : Tensor();
  const auto attend = [&] {
    if (way == Way::keras) return nyala::dot_product_attention(query, key, value, {}, mask, {}, c.causal);
    return nyala::attend(query, key, value, mask, {.scale = 0.3, .dropout_rate = dropout, .is_causal = c.causal});
  };
  if (!gradients) return {here(attend())};
  nyala::GradientTape tape;
  for (const Tensor& x : {query, key, value}) tape.watch(x);
  const Tensor out = attend();
  Tensors all = tape.gradient(nyala::sum(out * factor), {query, key, value});
  all.insert(all.begin(), out);
  for (Tensor& each : all) each = here(each);
  return all;
}

/// How often cuDNN's attention ran meanwhile.
long check_case(const AttentionCase& c, Way way, DType dtype, bool gradients = true, double dropout = 0.0) {
  INFO(c.what);
  CAPTURE(nyala::name_of(dtype));
  if (dropout > 0.0) return run(c, way, Device("gpu"), dtype, dtype, gradients, dropout), softgpu_count("executions");
  softgpu_reset_counts();
  const Tensors found = run(c, way, Device("gpu"), dtype, dtype, gradients);
  const long executions = softgpu_count("executions");
  const Tensors expected = run(c, way, Device("cpu"), DType::float64, dtype, gradients);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].dtype() == dtype);
    CHECK(difference(found[i], expected[i]) < 3 * tolerance_of(dtype));
  }
  return executions;
}

const std::vector<AttentionCase>& fused_cases() {
  static const std::vector<AttentionCase> all{
      {"no mask"},
      {"causal", 2, 8, 8, 4, 4, 16, 16, {}, true},
      {"causal, more keys", 1, 6, 11, 2, 2, 8, 16, {}, true},
      {"causal, fewer keys", 1, 11, 6, 2, 2, 8, 16, {}, true},
      {"padding", 2, 7, 9, 4, 4, 16, 8, {2, 1, 1, 9}},
      {"rows that see nothing", 2, 7, 9, 4, 4, 16, 8, {2, 1, 7, 9}},
      {"rows that see nothing, by head", 2, 7, 9, 4, 4, 16, 8, {4, 7, 9}},
      {"rows that see nothing, whatever the column", 2, 7, 9, 4, 4, 16, 8, {7, 1}},
      {"causal and masked", 2, 8, 8, 4, 4, 16, 8, {2, 1, 8, 8}, true},
      {"shared keys", 2, 6, 5, 4, 2, 8, 24, {2, 1, 6, 5}},
      {"one key for all", 1, 3, 5, 6, 1, 8, 8, {6, 3, 5}},
      {"the widest heads", 1, 5, 3, 1, 1, 128, 128},
      {"one row", 2, 1, 5, 2, 2, 8, 8},
      {"one row, causal, which a mask must say", 1, 1, 5, 4, 2, 8, 8, {}, true},
  };
  return all;
}

}  // namespace

TEST_CASE("softgpu: attention by cuDNN, forward") {
  for (const AttentionCase& c : fused_cases())
    for (const DType dtype : {DType::float16, DType::bfloat16})
      for (const Way way : {Way::keras, Way::layers}) CHECK(check_case(c, way, dtype, false) == 1);
}

TEST_CASE("softgpu: attention by cuDNN, with gradients") {
  for (const AttentionCase& c : fused_cases())
    for (const DType dtype : {DType::float16, DType::bfloat16})
      for (const Way way : {Way::keras, Way::layers}) CHECK(check_case(c, way, dtype) == 2);
}

TEST_CASE("softgpu: a layer's causality is cuDNN's own, not a mask") {
  const Tensor x = there(noise({2, 16, 8}, 1, DType::float16));
  nyala::set_default_device("gpu");
  const nyala::LayerRef layer = nyala::MultiHeadAttention({.num_heads = 2, .key_dim = 8, .dtype = "float16"});
  nyala::CallContext plain, causal;
  causal.arguments = nyala::Config::object({{"use_causal_mask", true}});
  long launches[2];
  for (int time = 0; time < 2; ++time) {  // the first makes weights
    int place = 0;
    for (const nyala::CallContext& context : {plain, causal}) {
      softgpu_reset_counts();
      layer->outputs({x, x}, context);
      CHECK(softgpu_count("executions") == 1);
      launches[place++] = softgpu_count("launches");
    }
  }
  nyala::set_default_device("cpu");
  CHECK(launches[0] == launches[1]);
}

TEST_CASE("softgpu: attention that cuDNN has not is made of products") {
  const AttentionCase plain{"plain", 2, 5, 6, 2, 2, 8, 8};
  CHECK(check_case(plain, Way::keras, DType::float32) == 0);
  CHECK(check_case({"a head of 12", 2, 5, 6, 2, 2, 12, 8}, Way::keras, DType::float16) == 0);
  CHECK(check_case({"a head of 136", 1, 3, 3, 1, 1, 8, 136}, Way::keras, DType::float16) == 0);
  CHECK(check_case({"one and one", 1, 1, 1, 2, 2, 8, 8}, Way::keras, DType::float16) == 0);
  CHECK(check_case({"one and one", 1, 1, 1, 2, 2, 8, 8}, Way::keras, DType::float16, false) == 1);
  softgpu_reset_counts();
  CHECK(check_case(plain, Way::layers, DType::float16, true, 0.5) == 0);
}

TEST_CASE("softgpu: attention with an older cuDNN") {
  const AttentionCase uneven{"uneven", 1, 6, 7, 2, 2, 8, 8}, even{"even", 1, 4, 128, 1, 1, 8, 8};
  softgpu_set("cudnn", 91400);
  CHECK(check_case(uneven, Way::keras, DType::float16) == 0);
  CHECK(check_case(uneven, Way::keras, DType::float16, false) == 1);
  CHECK(check_case(even, Way::keras, DType::float16) == 2);
  softgpu_set("cudnn", 91001);
  CHECK(check_case(uneven, Way::keras, DType::float16, false) == 0);
  softgpu_set("cudnn", 91900);
  CHECK(check_case(uneven, Way::keras, DType::float16) == 2);
}

TEST_CASE("softgpu: attention when engines refuse") {
  // Each case has a shape of its own, so that no plan is known yet.
  softgpu_fail("plan", 1);
  CHECK(check_case({"the first engine", 1, 9, 10, 1, 1, 64, 64}, Way::keras, DType::float16, false) == 1);
  softgpu_fail("engines", 1);
  CHECK(check_case({"no engine", 1, 9, 11, 1, 1, 8, 8}, Way::keras, DType::float16, false) == 0);
  CHECK(check_case({"still none", 1, 9, 11, 1, 1, 8, 8}, Way::keras, DType::float16, false) == 0);
  softgpu_fail("engines", 1);
  CHECK(check_case({"no backward", 1, 9, 12, 1, 1, 8, 8, {9, 12}}, Way::keras, DType::float16) == 0);
  // The last engine there is, as it runs: forward; then backward, when the forward was cuDNN's.
  softgpu_fail("execute", 1);
  check_case({"forward", 1, 9, 13, 1, 1, 8, 8, {9, 13}}, Way::keras, DType::float16, false);
  softgpu_fail("execute", 2);
  check_case({"backward", 1, 9, 14, 2, 1, 8, 8, {9, 14}}, Way::layers, DType::bfloat16);
  softgpu_fail("execute", 2);
  check_case({"backward, causal", 1, 9, 15, 2, 1, 8, 8, {}, true}, Way::keras, DType::bfloat16);
  for (const char* kind : {"plan", "execute", "engines"}) softgpu_fail(kind, 0);
}

TEST_CASE("softgpu: plans of attention are made once, and no more than a bound are kept") {
  const AttentionCase c{"again", 1, 5, 16, 1, 1, 8, 8};
  check_case(c, Way::keras, DType::float16);
  softgpu_reset_counts();
  check_case(c, Way::keras, DType::float16);
  CHECK(softgpu_count("plans") == 0);
  for (std::int64_t rows = 100; rows < 230; ++rows)
    run({"others", 1, rows, 1, 1, 1, 8, 8}, Way::keras, Device("gpu"), DType::float16, DType::float16, false);
  softgpu_reset_counts();
  run(c, Way::keras, Device("gpu"), DType::float16, DType::float16, false);
  CHECK(softgpu_count("plans") > 0);
}
