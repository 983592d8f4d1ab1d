#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/initializers.hpp>

using namespace nyala;

TEST_CASE("windows are SciPy's") {
  struct Window {
    std::string name;
    std::vector<double> periodic_6, symmetric_5;
  };
  const std::vector<Window> windows = {
      {"boxcar", {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
      {"triang", {0.25, 0.5, 0.75, 1, 0.75, 0.5}, {0.3333333333, 0.6666666667, 1, 0.6666666667, 0.3333333333}},
      {"bartlett", {0, 0.3333333333, 0.6666666667, 1, 0.6666666667, 0.3333333333}, {0, 0.5, 1, 0.5, 0}},
      {"cosine",
       {0.222520934, 0.6234898019, 0.9009688679, 1, 0.9009688679, 0.6234898019},
       {0.3090169944, 0.8090169944, 1, 0.8090169944, 0.3090169944}},
      {"hann", {0, 0.25, 0.75, 1, 0.75, 0.25}, {0, 0.5, 1, 0.5, 0}},
      {"hamming", {0.08, 0.31, 0.77, 1, 0.77, 0.31}, {0.08, 0.54, 1, 0.54, 0.08}},
      {"blackman", {0, 0.13, 0.63, 1, 0.63, 0.13}, {0, 0.34, 1, 0.34, 0}},
      {"nuttall",
       {0.0003628, 0.0613345, 0.5292298, 1, 0.5292298, 0.0613345},
       {0.0003628, 0.2269824, 1, 0.2269824, 0.0003628}},
      {"blackmanharris", {6e-05, 0.055645, 0.520575, 1, 0.520575, 0.055645}, {6e-05, 0.21747, 1, 0.21747, 6e-05}},
      {"flattop",
       {-0.000421051, -0.051263156, 0.19821053, 1.000000003, 0.19821053, -0.051263156},
       {-0.000421051, -0.05473684, 1.000000003, -0.05473684, -0.000421051}},
      {"bohman", {0, 0.108997781, 0.608997781, 1, 0.608997781, 0.108997781}, {0, 0.3183098862, 1, 0.3183098862, 0}},
      {"barthann", {0, 0.27, 0.73, 1, 0.73, 0.27}, {0, 0.5, 1, 0.5, 0}},
      {"parzen",
       {0.00583090379, 0.1574344023, 0.6501457726, 1, 0.6501457726, 0.1574344023},
       {0.016, 0.424, 1, 0.424, 0.016}},
  };
  for (const Window& window : windows) {
    CAPTURE(window.name);
    const std::vector<double> six = window_values(window.name, 6), five = window_values(window.name, 5, false);
    REQUIRE_EQ(six.size(), 6);
    REQUIRE_EQ(five.size(), 5);
    for (std::size_t i = 0; i < 6; ++i) CHECK(std::abs(six[i] - window.periodic_6[i]) < 1e-9);
    for (std::size_t i = 0; i < 5; ++i) CHECK(std::abs(five[i] - window.symmetric_5[i]) < 1e-9);
  }
  CHECK_EQ(window_values("hann", 1), std::vector<double>{1.0});
  CHECK_THROWS_AS(window_values("unheard", 4), Error);
  CHECK_THROWS_AS(initializers::STFT({.side = "left"}), Error);
  CHECK_THROWS_AS(initializers::STFT()(Shape{2, 3}, DType::float32), Error);
}
