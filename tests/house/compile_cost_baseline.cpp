// Contract 01 without Nyala: the same headers, the same arrays, the same output.
#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>

#include <iostream>

int main() {
  xt::xarray<float> hours = xt::arange<float>(1, 9).reshape({8, 1});
  xt::xarray<float> score = {45, 55, 62, 71, 80, 85, 91, 97};

  xt::xarray<float> predicted = xt::ones<float>({1, 1}) * 9.0f;
  std::cout << "9 hours: " << predicted(0, 0) << "  (loss " << hours(0, 0) + score(0) << ")\n";
}
