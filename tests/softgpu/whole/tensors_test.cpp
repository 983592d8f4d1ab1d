#include <cstdio>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <nyala/nyala.hpp>

using namespace nyala;

namespace {

/// The GPU as the default device for the length of a test.
struct OnGpu {
  OnGpu() { set_default_device("gpu"); }
  ~OnGpu() { set_default_device("cpu"); }
};

bool on_gpu(const Tensor& x) { return x.device() == Device("gpu"); }

}  // namespace

TEST_CASE("softgpu: factories make tensors on the default device, arrays stay where fit takes them from") {
  const OnGpu gpu;
  CHECK(on_gpu(zeros({2})));
  CHECK(on_gpu(arange(3)));
  CHECK(on_gpu(random::normal({4})));
  CHECK(on_gpu(tensor({{1, 2}, {3, 4}})));
  CHECK(on_gpu(tensor(std::vector<float>{1, 2})));
  CHECK(on_gpu(Tensor::empty({3})));
  CHECK_FALSE(on_gpu(Tensor(xt::xarray<float>{1, 2})));
  CHECK_FALSE(on_gpu(Tensor(2.0)));
}

TEST_CASE("softgpu: values come back by item, copies, text and files") {
  const OnGpu gpu;
  const Tensor x = tensor({{1.5, 2.5}, {3.5, -4.5}});
  CHECK(x[1][1].item<double>() == -4.5);
  CHECK(x.to_vector<float>() == std::vector<float>{1.5F, 2.5F, 3.5F, -4.5F});
  CHECK(x.str() == x.to("cpu").str());
  CHECK(on_gpu(x.clone()));
  CHECK(x.clone().to_vector<float>() == x.to_vector<float>());
  const xt::xarray<float> array = x;
  CHECK(array(1, 0) == 3.5F);
  const std::string path = "softgpu_tensors_test.npy";
  save_npy(path, x);
  CHECK(load_npy(path).to_vector<float>() == x.to_vector<float>());
  std::remove(path.c_str());
  Tensor writable = x;
  CHECK_THROWS_WITH_AS(writable.data<float>(), doctest::Contains("to(\"cpu\")"), Error);
}

TEST_CASE("softgpu: numbers join any device, tensors of two devices are refused") {
  const OnGpu gpu;
  const Tensor x = tensor({1.0, 2.0, 3.0}), host = x.to("cpu");
  CHECK((x * 2.0 + 1).to_vector<float>() == std::vector<float>{3, 5, 7});
  for (const auto& mixed : {+[](const Tensor& a, const Tensor& b) { return a + b; },
                            +[](const Tensor& a, const Tensor& b) { return matmul(a, b); },
                            +[](const Tensor& a, const Tensor& b) {
                              return concatenate({a, b});
                            },
                            +[](const Tensor& a, const Tensor& b) { return where(a > 0.0, a, b); }}) {
    CHECK_THROWS_WITH_AS(mixed(x, host), doctest::Contains("\"gpu\""), Error);
    CHECK_THROWS_WITH_AS(mixed(host, x), doctest::Contains("\"cpu\""), Error);
  }
}

TEST_CASE("softgpu: an index out of range is told by the next read, and nothing breaks") {
  const OnGpu gpu;
  const Tensor table = tensor({{1.0, 2.0}, {3.0, 4.0}});
  CHECK(take(table, tensor({-1, 0}), 0).to_vector<float>() == std::vector<float>{3, 4, 1, 2});
  const Tensor wrong = take(table, tensor({0, 7}), 0);
  CHECK_THROWS_WITH_AS(wrong.to_vector<float>(), doctest::Contains("out of range for an axis of size 2"), Error);
  CHECK(wrong.to_vector<float>() == std::vector<float>{1, 2, 3, 4});
  const Tensor loss = sparse_categorical_crossentropy(tensor({0, 5}), tensor({{0.1, 0.9}, {0.5, 0.5}}));
  CHECK_THROWS_WITH_AS(synchronize(), doctest::Contains("labels"), Error);
  synchronize();
}

TEST_CASE("softgpu: gradients cross devices") {
  const OnGpu gpu;
  const Variable weight(tensor({1.0, -2.0}));
  GradientTape tape;
  const Tensor y = sum(square(weight.operator Tensor().to("cpu")));
  const Tensor gradient = tape.gradient(y, std::vector<Variable>{weight}).front();
  CHECK(on_gpu(gradient));
  CHECK(gradient.to_vector<float>() == std::vector<float>{2, -4});
}

TEST_CASE("softgpu: layers take host arrays, models train and predict, weights come home") {
  const xt::xarray<float> x{{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  xt::xarray<float> y = xt::xarray<float>::from_shape({4, 1});
  for (std::size_t i = 0; i < 4; ++i) y(i, 0) = x(i, 0) + x(i, 1);
  std::vector<float> first;
  const auto train = [&] {
    set_random_seed(3);
    Sequential model{Dense(8, {.activation = "tanh"}), Dense(1)};
    model.compile("adam", "mse", {.metrics = {"mae"}});
    const auto history = model.fit(x, y, {.epochs = 3, .batch_size = 3, .verbose = 0});
    const Tensor predicted = model.predict(x);
    CHECK(predicted.device() == Device("cpu"));
    CHECK(model(Tensor(x)).device() == default_device());
    CHECK(model.get_weights().front().device() == Device("cpu"));
    CHECK(model.weights().front().value().device() == default_device());
    return predicted.to_vector<float>();
  };
  const std::vector<float> host = train();
  const OnGpu gpu;
  const std::vector<float> device = train(), again = train();
  CHECK(device == again);
  for (std::size_t i = 0; i < host.size(); ++i) CHECK(device[i] == doctest::Approx(host[i]).epsilon(1e-4));
}

TEST_CASE("softgpu: datasets are made on the host, their batches come out on the GPU") {
  const OnGpu gpu;
  const Dataset data = Dataset::from_tensor_slices(Tensor(xt::xarray<float>{1, 2, 3, 4}))
                           .map([](const Batch& one) {
                             CHECK(default_device() == Device("cpu"));
                             return Batch{one.x[0] + ones({1}), {}, {}};
                           })
                           .batch(2)
                           .prefetch(1);
  Batch batch;
  const auto iterator = data.iterator();
  REQUIRE(iterator->next(batch));
  CHECK(on_gpu(batch.x[0]));
  CHECK(batch.x[0].to_vector<float>() == std::vector<float>{2, 3});
}

TEST_CASE("softgpu: memory is counted and given back") {
  const OnGpu gpu;
  synchronize();
  const std::size_t before = memory_stats("gpu").live;
  {
    const Tensor x = zeros({1000});
    CHECK(memory_stats("gpu").live >= before + 4000);
  }
  CHECK(memory_stats("gpu").live == before);
  empty_memory_cache("gpu");
}
