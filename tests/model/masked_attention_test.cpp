// Where the mask of words ends in graphs with attention: as Keras 3.15.1 has it in the same graphs.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

using namespace nyala;

namespace {

using Block = std::function<KerasTensor(const KerasTensor&)>;

LayerRef attention(const DTypePolicy& dtype = {}) {
  return MultiHeadAttention({.num_heads = 2, .key_dim = 4, .dtype = dtype});
}

/// "masked" or "plain": whether the loss of Embedding, the block and Dense counts the steps that the mask leaves out.
std::string loss_after(const Block& block) {
  const Tensor x = tensor({{1, 2, 3, 0, 0}, {4, 5, 0, 0, 0}, {6, 7, 8, 1, 2}});
  const Tensor y = random::normal({3, 5, 1});
  const KerasTensor words = Input({5}, {.dtype = DType::int32});
  Model model(words, Dense(1, {.dtype = "float32"})(block(Embedding(9, 8, {.mask_zero = true})(words))));
  model.compile(SGD(), "mse");
  const Tensor predicted = model.predict(x, {.verbose = 0})[0];
  const Tensor error = square(predicted.to(Device()) - y.to(Device()));
  const Tensor kept = expand_dims(cast(x.to(Device()) != 0, floatx()), -1);
  const double loss = model.evaluate(x, y, {.verbose = 0}).at("loss");
  if (loss == doctest::Approx((sum(error * kept) / sum(kept)).item<double>()).epsilon(1e-4)) return "masked";
  return loss == doctest::Approx(mean(error).item<double>()).epsilon(1e-4) ? "plain" : "neither";
}

}  // namespace

TEST_CASE("a mask ends where attention takes it off, and nowhere else") {
  set_random_seed(3);
  CHECK(loss_after([](const KerasTensor& h) { return attention()({h, h}); }) == "masked");
  CHECK(loss_after([](const KerasTensor& h) { return Add()({h, attention()({h, h})}); }) == "plain");
  CHECK(loss_after([](const KerasTensor& h) { return h + attention()({h, h}); }) == "plain");
  CHECK(loss_after([](const KerasTensor& h) {
          const KerasTensor n = LayerNormalization()(h);
          return Add()({h, attention()({n, n})});  // the sum's other term is another tensor
        }) == "masked");
  const auto nested = [](const Block& block) {
    const KerasTensor inside = Input({5, 8});
    return Model(inside, block(inside));
  };
  CHECK(loss_after([&](const KerasTensor& h) {
          return Add()({h, nested([](const KerasTensor& in) { return attention()({in, in}); })(h)});
        }) == "plain");
  CHECK(loss_after([&](const KerasTensor& h) {
          return nested([](const KerasTensor& in) { return Add()({in, attention()({in, in})}); })(h);
        }) == "plain");
  // It casts its input, and takes the mask off what it made of it.
  CHECK(loss_after([](const KerasTensor& h) { return Add()({h, attention("mixed_bfloat16")({h, h})}); }) == "masked");
}
