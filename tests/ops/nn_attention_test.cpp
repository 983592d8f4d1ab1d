#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

namespace {

const std::vector<Tensor>& operands() {
  static const std::vector<Tensor> tensors{numbers({2, 3, 2, 4}, 0.1), numbers({2, 5, 2, 4}, 0.2),
                                           numbers({2, 5, 2, 3}, 0.3)};
  return tensors;
}

}  // namespace

TEST_CASE("dot_product_attention: gradients of first and second order") {
  const Tensor mask = numbers({2, 1, 3, 5}, 0.9) > -0.6;
  const nn::Function plain = [](const std::vector<Tensor>& in) { return dot_product_attention(in[0], in[1], in[2]); };
  const nn::Function causal = [](const std::vector<Tensor>& in) {
    return dot_product_attention(in[0], in[1], in[2], {}, {}, 0.4, true);
  };
  const nn::Function all = [&](const std::vector<Tensor>& in) {
    return dot_product_attention(in[0], in[1], in[2], in[3], mask);
  };
  nn::check_gradients(plain, operands());
  nn::check_second_gradients(plain, operands());
  nn::check_gradients(causal, operands());
  std::vector<Tensor> with_bias = operands();
  with_bias.push_back(numbers({2, 3, 5}, 0.4));
  nn::check_gradients(all, with_bias);
  nn::check_second_gradients(all, with_bias);
}

TEST_CASE("dot_product_attention is softmax(q kᵀ scale) v, head by head") {
  const Tensor &query = operands()[0], &key = operands()[1], &value = operands()[2];
  const Tensor y = dot_product_attention(query, key, value);
  REQUIRE(y.shape() == Shape{2, 3, 2, 3});
  for (int head = 0; head < 2; ++head) {
    const Tensor q = query(Slice{}, Slice{}, head), k = key(Slice{}, Slice{}, head), v = value(Slice{}, Slice{}, head);
    nn::check_close(y(Slice{}, Slice{}, head), matmul(softmax(matmul(q, k, false, true) * 0.5), v), 1e-14);
  }
}

TEST_CASE("dot_product_attention: masks") {
  const Tensor &query = operands()[0], &key = operands()[1], &value = operands()[2];
  const Tensor first_two = tensor({true, true, false, false, false});
  const Tensor masked = dot_product_attention(query, key, value, {}, first_two);
  nn::check_close(masked, dot_product_attention(query, key(Slice{}, Slice{0, 2}), value(Slice{}, Slice{0, 2})), 1e-14);
  const Tensor causal = dot_product_attention(query, key, value, {}, {}, {}, true);
  nn::check_close(causal(Slice{}, 0), value(Slice{}, 0), 1e-14);
  const Tensor nowhere = dot_product_attention(query, key, value, {}, zeros({3, 5}, DType::boolean));
  nn::check_close(nowhere(Slice{}, 0), mean(value, 1), 1e-14);
}

TEST_CASE("dot_product_attention: several query heads share a key head") {
  const Tensor query = numbers({1, 3, 4, 2}, 0.1), key = numbers({1, 5, 2, 2}, 0.2), value = numbers({1, 5, 2, 3}, 0.3);
  nn::check_close(dot_product_attention(query, key, value),
                  dot_product_attention(query, repeat(key, 2, 2), repeat(value, 2, 2)), 1e-15);
  nn::check_gradients([](const std::vector<Tensor>& in) { return dot_product_attention(in[0], in[1], in[2]); },
                      {query, key, value});
}

TEST_CASE("dot_product_attention names what it refuses") {
  const Tensor x = zeros({2, 3, 2, 4});
  CHECK(nn::refusal([&] {
          dot_product_attention(zeros({2, 3, 4}), x, x);
        }) ==
        "dot_product_attention: query, key and value must be (batch, time, heads, dim), got (2, 3, 4), (2, 3, 2, 4) "
        "and (2, 3, 2, 4)");
  CHECK(nn::refusal([&] {
          dot_product_attention(x, zeros({2, 3, 2, 5}), x);
        }) == "dot_product_attention: query and key must have one dim, got (2, 3, 2, 4) and (2, 3, 2, 5)");
  CHECK(nn::refusal([&] {
          dot_product_attention(x, x, zeros({2, 4, 2, 4}));
        }).find("must agree in batch") != std::string::npos);
  CHECK(nn::refusal([&] {
          dot_product_attention(x, zeros({2, 3, 3, 4}), zeros({2, 3, 3, 4}));
        }).find("must be a multiple") != std::string::npos);
  CHECK(nn::refusal([&] {
          dot_product_attention(x, x, x, {}, zeros({2, 3}, DType::boolean));
        }) ==
        "dot_product_attention: the mask must broadcast to (batch, heads, query time, key time) = (2, 2, 3, 3), got "
        "(2, 3)");
}
