#include <nyala/ops/attention.hpp>
#include <nyala/threads.hpp>

#include "backend/cpu/amx/split_product.hpp"
#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

// float32 attention runs in a kernel of its own, which touches neither copies by head nor a tensor of scores in
// inference, and so does bfloat16 on the tile unit; in float64, and where the weights are asked for, it is made of
// other operations.

namespace {

struct AttentionCase {
  const char* what;
  Shape query, key, value, mask;  // the mask's empty: none
  bool causal = false;
};

const std::vector<AttentionCase>& attention_cases() {
  static const std::vector<AttentionCase> all{
      {"no mask", {2, 7, 3, 5}, {2, 9, 3, 5}, {2, 9, 3, 4}, {}},
      {"padding", {2, 7, 3, 5}, {2, 9, 3, 5}, {2, 9, 3, 4}, {2, 1, 1, 9}},
      {"by row", {2, 7, 3, 5}, {2, 9, 3, 5}, {2, 9, 3, 4}, {7, 1}},
      {"by head", {2, 7, 3, 5}, {2, 9, 3, 5}, {2, 9, 3, 4}, {3, 7, 9}},
      {"shared keys", {2, 6, 4, 8}, {2, 6, 2, 8}, {2, 6, 2, 8}, {6, 6}},
      {"one row", {1, 1, 1, 3}, {1, 2, 1, 3}, {1, 2, 1, 1}, {}},
      {"several blocks", {1, 300, 2, 16}, {1, 500, 2, 16}, {1, 500, 2, 16}, {1, 1, 300, 500}},
      {"causal", {2, 7, 3, 5}, {2, 7, 3, 5}, {2, 7, 3, 4}, {}, true},
      {"causal and padding", {2, 7, 4, 5}, {2, 9, 2, 5}, {2, 9, 2, 4}, {2, 1, 1, 9}, true},
      {"causal, several blocks", {1, 260, 1, 8}, {1, 260, 1, 8}, {1, 260, 1, 8}, {}, true},
      {"causal, more columns", {1, 40, 2, 8}, {1, 2000, 1, 8}, {1, 2000, 1, 8}, {}, true},
      {"causal, more rows", {1, 300, 1, 8}, {1, 220, 1, 8}, {1, 220, 1, 8}, {}, true},
      {"several blocks of the fewest rows", {1, 150, 2, 8}, {1, 1500, 1, 8}, {1, 1500, 1, 8}, {}, true},
      {"whole tiles", {2, 64, 4, 32}, {2, 64, 4, 32}, {2, 64, 4, 64}, {}},
      {"parts of tiles, shared keys", {2, 45, 4, 40}, {2, 50, 2, 40}, {2, 50, 2, 33}, {2, 1, 1, 50}},
  };
  return all;
}

Tensor mask_of(const AttentionCase& c) { return c.mask.empty() ? Tensor() : numbers(c.mask, 0.7) > -0.4; }

using Attend = std::function<Tensor(const Tensor& query, const Tensor& key, const Tensor& value)>;

/// The output, and the gradients of a sum of its elements with weights; `rounds_to`: what the operands are rounded to
/// before.
std::vector<Tensor> with_gradients(const Attend& attend, const AttentionCase& c, DType dtype,
                                   std::optional<DType> rounds_to = {}) {
  const auto rounded = [&](const Shape& shape, double seed) {
    return cast(cast(numbers(shape, seed), rounds_to.value_or(dtype)), dtype);
  };
  const Tensor query = rounded(c.query, 0.1), key = rounded(c.key, 0.2), value = rounded(c.value, 0.3);
  GradientTape tape;
  for (const Tensor& x : {query, key, value}) tape.watch(x);
  const Tensor y = attend(query, key, value);
  std::vector<Tensor> found = tape.gradient(sum(y * rounded(y.shape(), 0.4)), {query, key, value});
  found.push_back(y);
  return found;
}

void check_near(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("tensor " << i);
    nn::check_close(cast(found[i], DType::float64), cast(expected[i], DType::float64), 2e-5);
  }
}

/// Beside the largest of each tensor: single elements may be small differences of rounded weights. Where scores are
/// rounded as well, for want of a kernel, the output may be one of values near 1.
void check_near_halves(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("tensor " << i);
    CHECK(found[i].dtype() == DType::bfloat16);
    const double largest = max(abs(cast(expected[i], DType::float64))).item<double>();
    const bool has_kernel = found[i].device().kind() == Device::Kind::cpu && backend::amx::has_tiles();
    const double rounding = i + 1 == found.size() && !has_kernel ? 0x1p-7 : 1e-30;
    nn::check_close(cast(found[i], DType::float64), cast(expected[i], DType::float64), 0.02 * largest + rounding);
  }
}

}  // namespace

TEST_CASE("attention in bfloat16 is that in float64, but for roundings") {
  for (const AttentionCase& c : attention_cases()) {
    INFO(c.what);
    const Tensor mask = mask_of(c);
    const Attend plain = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
      return dot_product_attention(q, k, v, {}, mask, {}, c.causal);
    };
    check_near_halves(with_gradients(plain, c, DType::bfloat16),
                      with_gradients(plain, c, DType::float64, DType::bfloat16));
    const auto dropped = [&](DType dtype) {
      SeedGenerator seed(7);
      const AttentionWeights how{.scale = 0.3, .dropout_rate = 0.4, .seed = &seed, .is_causal = c.causal};
      return with_gradients(
          [&](const Tensor& q, const Tensor& k, const Tensor& v) { return attend(q, k, v, mask, how); }, c, dtype,
          DType::bfloat16);
    };
    check_near_halves(dropped(DType::bfloat16), dropped(DType::float64));
  }
}

TEST_CASE("attention in float32 is that in float64, gradients included") {
  for (const AttentionCase& c : attention_cases()) {
    INFO(c.what);
    const Tensor mask = mask_of(c);
    const Attend plain = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
      return dot_product_attention(q, k, v, {}, mask, {}, c.causal);
    };
    check_near(with_gradients(plain, c, DType::float32), with_gradients(plain, c, DType::float64));
    const Attend layer = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
      return attend(q, k, v, mask, {.scale = 0.3, .is_causal = c.causal});
    };
    check_near(with_gradients(layer, c, DType::float32), with_gradients(layer, c, DType::float64));
  }
}

TEST_CASE("attention: a row that is masked whole") {
  const AttentionCase c{"", {1, 2, 1, 4}, {1, 3, 1, 4}, {1, 3, 1, 4}, {}};
  const Tensor mask = tensor({{true, false, true}, {false, false, false}});
  for (const DType dtype : {DType::float32, DType::float64}) {
    const auto equal = with_gradients(
        [&](const Tensor& q, const Tensor& k, const Tensor& v) { return dot_product_attention(q, k, v, {}, mask); }, c,
        dtype);
    nn::check_close(cast(equal[3](0, 1), DType::float64), mean(numbers(c.value, 0.3)(0), 0), 1e-6);
    nn::check_close(cast(equal[0](0, 1), DType::float64), zeros({1, 4}, DType::float64), 1e-12);
    const auto nothing = with_gradients(
        [&](const Tensor& q, const Tensor& k, const Tensor& v) { return attend(q, k, v, mask, {}); }, c, dtype);
    nn::check_close(cast(nothing[3](0, 1), DType::float64), zeros({1, 4}, DType::float64), 1e-12);
    nn::check_close(cast(nothing[0](0, 1), DType::float64), zeros({1, 4}, DType::float64), 1e-12);
  }
}

TEST_CASE("attention drops the same weights, whatever it is made of") {
  for (const AttentionCase& c : attention_cases()) {
    INFO(c.what);
    const Tensor mask = mask_of(c);
    const auto run = [&](bool whole) {
      SeedGenerator seed(7);
      const AttentionWeights how{.scale = 0.3, .dropout_rate = 0.4, .seed = &seed, .is_causal = c.causal};
      return with_gradients(
          [&](const Tensor& q, const Tensor& k, const Tensor& v) {
            return whole ? attend(q, k, v, mask, how) : attend_with_weights(q, k, v, mask, how).output;
          },
          c, DType::float32);
    };
    check_near(run(true), run(false));
  }
}

TEST_CASE("attention: the same bits for any number of threads, and in inference") {
  const int before = num_threads();
  for (const DType dtype : {DType::float32, DType::bfloat16})
    for (const AttentionCase& c : attention_cases()) {
      INFO(c.what << ", " << name_of(dtype));
      const Tensor mask = mask_of(c);
      const Attend plain = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
        return dot_product_attention(q, k, v, {}, mask, {}, c.causal);
      };
      const auto bits = [](const Tensor& x) { return cast(x, DType::float32).to_vector<float>(); };
      set_num_threads(1);
      const auto one = with_gradients(plain, c, dtype);
      set_num_threads(3);
      const auto three = with_gradients(plain, c, dtype);
      for (std::size_t i = 0; i < one.size(); ++i) CHECK(bits(one[i]) == bits(three[i]));
      const Tensor alone = plain(cast(numbers(c.query, 0.1), dtype), cast(numbers(c.key, 0.2), dtype),
                                 cast(numbers(c.value, 0.3), dtype));
      CHECK(bits(alone) == bits(one[3]));
    }
  set_num_threads(before);
}

TEST_CASE("attention drops everything at a rate of 1") {
  const Tensor x = cast(numbers({1, 2, 1, 4}, 0.1), DType::float32);
  nn::check_close(cast(attend(x, x, x, {}, {.dropout_rate = 1.0}), DType::float64), zeros({1, 2, 1, 4}, DType::float64),
                  0.0);
}
