#include <doctest/doctest.h>

#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xview.hpp>

#include <cmath>
#include <sstream>

#include <nyala/error.hpp>
#include <nyala/ops.hpp>
#include <nyala/rows.hpp>
#include <nyala/tensor.hpp>

using namespace nyala;

TEST_CASE("nested lists, vectors and scalars become tensors") {
  const Tensor whole = tensor({{1, 2}, {3, 4}, {5, 6}});
  CHECK(whole.shape() == Shape{3, 2});
  CHECK(whole.dtype() == DType::int32);
  CHECK(whole.to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5, 6});
  CHECK(tensor({1.5, 2.0}).dtype() == DType::float32);
  CHECK(tensor({{1.5}, {2}}).shape() == Shape{2, 1});
  CHECK(tensor({true, false}).dtype() == DType::boolean);
  CHECK(tensor({1, 2}, DType::float64).dtype() == DType::float64);
  CHECK(tensor({std::int64_t{1} << 40, std::int64_t{1}}).dtype() == DType::int64);
  CHECK(tensor({"a", "bc"}).to_strings() == std::vector<std::string>{"a", "bc"});
  CHECK(tensor(std::vector<double>{1, 2, 3}).dtype() == DType::float64);
  CHECK_THROWS_WITH_AS(tensor({{1, 2}, {3}}), doctest::Contains("not of equal lengths"), Error);
  CHECK_THROWS_WITH_AS(tensor(std::vector<float>{1, 2, 3}, {2, 2}), doctest::Contains("do not fill the shape (2, 2)"),
                       Error);
  const Tensor scalar = 3;
  CHECK(scalar.shape() == Shape{});
  CHECK(scalar.dtype() == DType::int32);
  CHECK(scalar.item<double>() == 3.0);
  CHECK(Tensor(2.5).dtype() == DType::float32);
}

TEST_CASE("xtensor expressions become tensors and views") {
  const xt::xarray<float> array = xt::arange<float>(6).reshape({2, 3});
  Tensor copied = array * 2.0f;
  CHECK(copied.shape() == Shape{2, 3});
  CHECK(copied.to_vector<float>() == std::vector<float>{0, 2, 4, 6, 8, 10});
  Tensor part = xt::view(array, xt::all(), 1);
  CHECK(part.to_vector<float>() == std::vector<float>{1, 4});
  xt::xarray<double> transposed = xt::transpose(array);
  CHECK(Tensor(transposed).to_vector<double>() == std::vector<double>{0, 3, 1, 4, 2, 5});

  auto view = copied.xt<float>();
  view(1, 2) = 100.0f;
  CHECK(copied.data<float>()[5] == 100.0f);
  const xt::xarray<double> back = copied;
  CHECK(back(1, 2) == 100.0);
  CHECK_THROWS_WITH_AS(copied.xt<double>(), doctest::Contains("holds float32, not float64"), Error);
}

TEST_CASE("rows and reshapes share storage") {
  const Tensor x = tensor({{1, 2}, {3, 4}, {5, 6}});
  const Tensor last = x.rows(-2, 3), flat = reshape(x, {6});
  CHECK(last.raw_data() == static_cast<std::int32_t*>(x.raw_data()) + 2);
  CHECK(last.to_vector<int>() == std::vector<int>{3, 4, 5, 6});
  CHECK(flat.raw_data() == x.raw_data());
  CHECK(x.rows(1, 1).shape() == Shape{0, 2});
  CHECK_THROWS_WITH_AS(x.rows(2, 4), doctest::Contains("no part of 3 rows"), Error);
  CHECK(x.clone().raw_data() != x.raw_data());
}

TEST_CASE("printing is NumPy's") {
  const auto text = [](const Tensor& x) {
    std::ostringstream out;
    out << x;
    return out.str();
  };
  CHECK(text(tensor({1, 2, 3})) == "[1 2 3]");
  CHECK(text(tensor({{1, 20}, {300, 4}})) == "[[  1  20]\n [300   4]]");
  CHECK(text(tensor({1.0, 2.5, -3.25})) == "[ 1.    2.5  -3.25]");
  CHECK(text(tensor({true, false})) == "[ True False]");
  CHECK(text(Tensor(2.0)) == "2.0");
  CHECK(text(tensor({1e-5, 1.0})) == "[1.e-05 1.e+00]");
  CHECK(text(tensor({1.5e-5, 1.0})) == "[1.5e-05 1.0e+00]");
  CHECK(text(tensor({NAN, 1.0f})) == "[nan  1.]");
  CHECK(text(zeros({0, 3})) == "[]");
  CHECK(text(arange(2000)) == "[   0    1    2 ... 1997 1998 1999]");
  CHECK(text(zeros({2, 2, 1})) == "[[[0.]\n  [0.]]\n\n [[0.]\n  [0.]]]");
  CHECK(text(Tensor()) == "None");
}

TEST_CASE("a tensor from rows that a program collected") {
  std::vector<std::vector<float>> rows{{1.0f, 2.0f, 3.0f}, {4.0f, 5.0f, 6.0f}};
  const Tensor x = tensor(rows);
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.dtype() == DType::float32);
  CHECK(x.to_vector<float>() == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(tensor(std::vector<std::vector<int>>()).shape() == Shape{0, 0});
  rows.back().pop_back();
  CHECK_THROWS_WITH_AS(tensor(rows), "tensor: rows must be of one length, got one of 2 entries after one of 3", Error);
}

TEST_CASE("mistakes with tensors are named") {
  CHECK_THROWS_WITH_AS(Tensor().shape(), doctest::Contains("holds nothing"), Error);
  CHECK_THROWS_WITH_AS(zeros({2}).item<float>(), doctest::Contains("exactly one element"), Error);
  CHECK_THROWS_WITH_AS(zeros({2}).data<double>(), doctest::Contains("holds float32, not float64"), Error);
  CHECK_THROWS_WITH_AS(zeros({None, 2}), doctest::Contains("(None, 2)"), Error);
  CHECK_THROWS_WITH_AS(zeros({1LL << 40, 1LL << 40}), doctest::Contains("64 bits"), Error);
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}), doctest::Contains("at most 8 axes"), Error);
  CHECK_THROWS_WITH_AS(Device("tpu"), doctest::Contains("\"cpu\", \"gpu\" or \"gpu:N\""), Error);
  CHECK_THROWS_WITH_AS(set_default_device("gpu:63"), doctest::Contains("\"gpu:63\" cannot be used"), Error);
}
