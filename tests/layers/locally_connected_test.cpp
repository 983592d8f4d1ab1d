// Values and training against real Keras: tests/golden/files/versions/local_* (saving/versions_test.cpp).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "support/gradcheck.hpp"

using namespace nyala;

namespace {

template <class L>
void check_gradient(L layer, const Shape& shape) {
  set_random_seed(2);
  layer.build_now({shape});
  CHECK(nyala::testing::gradcheck([&](const std::vector<Tensor>& in) { return layer(in[0]); },
                                  {nyala::testing::scattered(shape)}) == "");
}

}  // namespace

TEST_CASE("locally connected layers: gradients of the input in all three implementations") {
  for (const int implementation : {1, 2, 3}) {
    CAPTURE(implementation);
    check_gradient(LocallyConnected1D(2, 3, {.strides = 2, .implementation = implementation, .dtype = "float64"}),
                   {2, 7, 2});
    check_gradient(LocallyConnected2D(2, {2, 3},
                                      {.data_format = "channels_first",
                                       .activation = "tanh",
                                       .implementation = implementation,
                                       .dtype = "float64"}),
                   {2, 2, 3, 4});
  }
}

TEST_CASE("the implementations of a locally connected layer count the same connections") {
  for (const char* padding : {"valid", "same"}) {
    LocallyConnected2D dense(
        3, {2, 3}, {.padding = padding, .use_bias = false, .kernel_initializer = "ones", .implementation = 2}),
        sparse(3, {2, 3}, {.padding = padding, .use_bias = false, .kernel_initializer = "ones", .implementation = 3});
    const Tensor x = random::normal({2, 4, 5, 2});
    CHECK(max(abs(dense(x) - sparse(x))).item<double>() < 1e-5);
  }
}

TEST_CASE("locally connected layers: mistakes are told") {
  CHECK_THROWS_WITH_AS(LocallyConnected1D(0, 3), doctest::Contains("filters must be positive"), Error);
  CHECK_THROWS_WITH_AS(LocallyConnected1D(2, 3, {.implementation = 4}), doctest::Contains("implementation"), Error);
  CHECK_THROWS_WITH_AS(LocallyConnected1D(2, 3, {.padding = "same"}), doctest::Contains("padding"), Error);
  LocallyConnected1D layer(2, 3);
  CHECK_THROWS_WITH_AS(layer.build({None, None, 2}), doctest::Contains("must be known"), Error);
}
