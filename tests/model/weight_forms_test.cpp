#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/nyala.hpp>
#include <nyala/ops/update.hpp>

#include <xtensor/xadapt.hpp>

#include "core/weight_forms.hpp"

// Kernels keep what they made of a weight where nothing is differentiated. Predictions always follow the weight.

using namespace nyala;

namespace {

struct WeightCase {
  std::string name;
  Shape input;
  std::function<LayerRef(const std::string&)> make;
};

std::vector<WeightCase> weight_cases() {
  const auto conv = [](int filters, int size, int stride, const char* padding) {
    return [=](const std::string& policy) -> LayerRef {
      return Conv2D(filters, size, {.strides = stride, .padding = padding, .dtype = policy});
    };
  };
  return {
      {"few tiles of many channels", {1, 16, 16, 64}, conv(64, 3, 1, "same")},
      {"few channels to a tile", {1, 13, 13, 32}, conv(64, 3, 1, "same")},
      {"many images", {9, 16, 16, 64}, conv(96, 3, 1, "valid")},
      {"strides", {1, 17, 17, 48}, conv(64, 3, 2, "same")},
      {"one pixel", {2, 9, 9, 64}, conv(32, 1, 1, "valid")},
      {"five pixels", {8, 20, 20, 32}, conv(32, 5, 1, "same")},
      {"one channel", {2, 28, 28, 1}, conv(32, 3, 1, "valid")},
      {"one axis", {3, 50, 40}, [](const std::string& policy) -> LayerRef { return Conv1D(48, 3, {.dtype = policy}); }},
      {"each channel",
       {2, 16, 16, 32},
       [](const std::string& policy) -> LayerRef { return DepthwiseConv2D(3, {.dtype = policy}); }},
      {"dense", {200, 256}, [](const std::string& policy) -> LayerRef { return Dense(192, {.dtype = policy}); }}};
}

double relative_difference(const Tensor& a, const Tensor& b) {
  return (max(abs(cast(a, DType::float32) - cast(b, DType::float32))) / (1.0 + max(abs(cast(b, DType::float32)))))
      .item<double>();
}

/// What a layer of the same kind that was never called before gives for these weights.
Tensor afresh(const WeightCase& c, const std::string& policy, const std::vector<Tensor>& weights, const Tensor& x) {
  const LayerRef other = c.make(policy);
  (*other).build_now({x.shape()});
  (*other).set_weights(weights);
  return (*other)(x);
}

}  // namespace

TEST_CASE("every change of a weight shows in the next prediction") {
  for (const WeightCase& c : weight_cases())
    for (const std::string policy : {"float32", "mixed_bfloat16"}) {
      CAPTURE(c.name);
      CAPTURE(policy);
      const Tensor x = random::normal(c.input);
      const LayerRef layer = c.make(policy);
      const auto check = [&](const char* after) {
        CAPTURE(after);
        const Tensor expected = afresh(c, policy, (*layer).get_weights(), x);
        const Tensor found = (*layer)(x), again = (*layer)(x);
        CHECK(relative_difference(found, expected) < 1e-5);
        CHECK(relative_difference(again, expected) < 1e-5);
      };
      (*layer)(x);
      check("building");
      const Variable kernel = (*layer).weights()[0];
      kernel.assign(kernel.value() * 2.0F);
      check("assign");
      kernel.assign_sub(ones(kernel.shape()) * 0.1F);
      check("assign_sub");
      std::vector<Tensor> weights;
      for (const Variable& weight : (*layer).weights()) weights.push_back(random::normal(weight.shape()));
      (*layer).set_weights(weights);
      check("set_weights");
      sgd_update(ones(kernel.shape()), kernel, {}, {.learning_rate = 0.5});
      check("a step of an optimizer");
      {
        GradientTape tape;
        const Tensor y = (*layer)(x);
        CHECK(relative_difference(y, afresh(c, policy, (*layer).get_weights(), x)) < 1e-5);
      }
      if (x.device().kind() != Device::Kind::cpu) continue;
      float* numbers = nullptr;
      {
        Tensor same_memory = kernel.value();
        numbers = same_memory.data<float>();
      }
      for (const float value : {7.0F, -7.0F}) {
        numbers[3] = value;  // nobody could see that this pointer is still used
        check("writing by a pointer from long ago");
      }
      kernel.value().xt<float>()(0) = 2.0F;
      check("writing through xtensor");
      kernel.assign(kernel.value() * 0.5F);
      check("assign after a pointer was lent");
    }
}

TEST_CASE("several threads predict with the same weights, before and after a change") {
  const WeightCase c = weight_cases()[0];
  const LayerRef layer = c.make("float32");
  const Tensor x = random::normal(c.input);
  (*layer)(x);
  for (const float factor : {1.0F, 3.0F}) {
    const Variable kernel = (*layer).weights()[0];
    kernel.assign(kernel.value() * factor);
    const Tensor expected = afresh(c, "float32", (*layer).get_weights(), x);
    std::vector<double> worst(4, 1.0);
    std::vector<std::thread> threads;
    for (double& each : worst)
      threads.emplace_back([&] {
        each = 0.0;
        for (int i = 0; i < 20; ++i) each = std::max(each, relative_difference((*layer)(x), expected));
      });
    for (std::thread& thread : threads) thread.join();
    for (const double each : worst) CHECK(each < 1e-5);
  }
}

TEST_CASE("forms are made once, go when the weight changes, and are as many as fit") {
  struct Form {
    int number;
    std::size_t size;
    std::size_t bytes() const { return size; }
  };
  static constexpr char kind = 0;
  int count = 0;
  const auto form = [&](detail::WeightForms& forms, std::int64_t number, std::size_t size = 8) {
    return forms.get<Form>({&kind, number}, [&] { return std::make_shared<const Form>(Form{++count, size}); })->number;
  };
  detail::WeightForms forms;
  CHECK(form(forms, 1) == 1);
  CHECK(form(forms, 1) == 2);  // closed: nothing is kept
  forms.open();
  CHECK(form(forms, 1) == 3);
  CHECK(form(forms, 1) == 3);
  CHECK(form(forms, 2) == 4);
  CHECK(form(forms, 1) == 3);
  forms.close();
  forms.open();
  CHECK(form(forms, 1) == 5);
  // A form that was being made while the weight changed is of the old value: it is not kept.
  forms.get<Form>({&kind, 99}, [&] {
    forms.close();
    forms.open();
    return std::make_shared<const Form>(Form{-1, 8});
  });
  CHECK(forms.get<Form>({&kind, 99}, [] { return std::make_shared<const Form>(Form{-2, 8}); })->number == -2);
  forms.close();
  forms.open();
  count = 4;
  CHECK(form(forms, 1) == 5);
  for (std::int64_t i = 2; i <= 7; ++i) form(forms, i);
  CHECK(count == 11);
  CHECK(form(forms, 7) == 11);
  CHECK(form(forms, 1) == 12);                                         // the oldest of more than six
  const int before = form(forms, 8, detail::WeightForms::most_bytes);  // more than all may take
  CHECK(form(forms, 8) == before + 1);
  CHECK(form(forms, 8) == before + 1);
}

TEST_CASE("forms are kept for predictions only, and only where nobody else may write") {
  const auto kept = [](const Variable& weight) { return detail::kept_forms(weight.value()) != nullptr; };
  Dense layer(4, {});
  const Tensor x = random::normal({3, 5});
  layer.build_now({x.shape()});
  const Variable kernel = layer.weights()[0];
  if (kernel.value().device().kind() != Device::Kind::cpu) return;
  CHECK_FALSE(kept(kernel));
  layer(x);
  CHECK(kept(kernel));
  sgd_update(zeros(kernel.shape()), kernel, {}, {});
  CHECK_FALSE(kept(kernel));
  {
    GradientTape tape;
    layer(x);
  }
  CHECK_FALSE(kept(kernel));
  layer(x);
  CHECK(kept(kernel));
  Tensor handle = kernel.value();
  const Tensor& reading = handle;
  CHECK(reading.data<float>() != nullptr);
  CHECK(kept(kernel));
  handle.data<float>();
  CHECK_FALSE(kept(kernel));
  kernel.assign(zeros(kernel.shape()));
  layer(x);
  CHECK(kept(kernel));
}
