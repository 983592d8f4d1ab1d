#include <doctest/doctest.h>

#include <nyala/dtype.hpp>
#include <nyala/error.hpp>

#include "core/dtype_lattice.hpp"

using namespace nyala;

namespace {

// keras.backend.result_type (3.15.1) for each pair of the 13 dtypes, the last two columns for Python's int and float;
// without the cut to 32 bits that the JAX backend adds.
constexpr int keras[13][15] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 7, 11},             // bool
    {1, 1, 2, 3, 4, 6, 6, 7, 8, 9, 10, 11, 12, 1, 11},             // uint8
    {2, 2, 2, 3, 4, 7, 7, 7, 8, 9, 10, 11, 12, 2, 11},             // uint16
    {3, 3, 3, 3, 4, 8, 8, 8, 8, 9, 10, 11, 12, 3, 11},             // uint32
    {4, 4, 4, 4, 4, 11, 11, 11, 11, 9, 10, 11, 12, 4, 11},         // uint64
    {5, 6, 7, 8, 11, 5, 6, 7, 8, 9, 10, 11, 12, 5, 11},            // int8
    {6, 6, 7, 8, 11, 6, 6, 7, 8, 9, 10, 11, 12, 6, 11},            // int16
    {7, 7, 7, 8, 11, 7, 7, 7, 8, 9, 10, 11, 12, 7, 11},            // int32
    {8, 8, 8, 8, 11, 8, 8, 8, 8, 9, 10, 11, 12, 8, 11},            // int64
    {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 11, 11, 12, 9, 9},              // float16
    {10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 10, 11, 12, 10, 10},  // bfloat16
    {11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 12, 11, 11},  // float32
    {12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12},  // float64
};

/// Gives back what the globals were.
struct Restore {
  ~Restore() {
    set_floatx(DType::float32);
    set_dtype_policy({});
    set_epsilon(1e-7);
    set_image_data_format("channels_last");
  }
};

}  // namespace

TEST_CASE("every pair of dtypes promotes as in Keras, bare numbers too") {
  for (int a = 0; a < 13; ++a) {
    for (int b = 0; b < 13; ++b) {
      CAPTURE(static_cast<DType>(a));
      CAPTURE(static_cast<DType>(b));
      const auto expected = static_cast<DType>(keras[a][b]);
      CHECK(result_type({static_cast<DType>(a), static_cast<DType>(b)}) == expected);
      CHECK(detail::result_type(static_cast<DType>(a), false, static_cast<DType>(b), false) == expected);
    }
    const auto dtype = static_cast<DType>(a);
    CHECK(detail::result_type(dtype, false, DType::int32, true) == static_cast<DType>(keras[a][13]));
    CHECK(detail::result_type(DType::float32, true, dtype, false) == static_cast<DType>(keras[a][14]));
  }
}

TEST_CASE("several dtypes are promoted together, none at all is floatx") {
  const Restore restore;
  CHECK(result_type({}) == DType::float32);
  CHECK(result_type({DType::int8}) == DType::int8);
  CHECK(result_type({DType::int8, DType::uint8, DType::bfloat16}) == DType::bfloat16);
  CHECK(result_type({DType::float16, DType::bfloat16, DType::int64}) == DType::float32);
  CHECK(detail::result_type(DType::int32, true, DType::int32, true) == DType::int32);
  CHECK(detail::result_type(DType::boolean, true, DType::boolean, true) == DType::boolean);
  CHECK(detail::result_type(DType::int64, true, DType::boolean, false) == DType::int64);
  set_floatx(DType::float64);
  CHECK(result_type({}) == DType::float64);
  CHECK(detail::result_type(DType::int32, false, DType::float64, true) == DType::float64);
  CHECK(detail::result_type(DType::float32, false, DType::float64, true) == DType::float32);
  CHECK_THROWS_WITH_AS(result_type({DType::string}),
                       "result_type: strings take part in no arithmetic, got dtype string", Error);
}

TEST_CASE("dtypes have Keras' names and sizes") {
  CHECK(name_of(DType::boolean) == std::string("bool"));
  CHECK(size_of(DType::bfloat16) == 2);
  for (int i = 0; i <= static_cast<int>(DType::string); ++i) {
    CHECK(dtype_from_name(name_of(static_cast<DType>(i))) == static_cast<DType>(i));
  }
  CHECK(dtype_from_name("int") == DType::int32);
  CHECK_THROWS_WITH_AS(dtype_from_name("flaot32"),
                       "dtype: no element type is named \"flaot32\"; did you mean \"float32\"?", Error);
}

TEST_CASE("policies follow the global one until they are given") {
  const Restore restore;
  CHECK(DTypePolicy().name() == "float32");
  set_floatx(DType::float64);
  CHECK(DTypePolicy().compute_dtype() == DType::float64);
  set_dtype_policy("mixed_bfloat16");
  CHECK(DTypePolicy().name() == "mixed_bfloat16");
  CHECK(DTypePolicy().compute_dtype() == DType::bfloat16);
  CHECK(DTypePolicy().variable_dtype() == DType::float32);
  CHECK(dtype_policy() == DTypePolicy("mixed_bfloat16"));
  const DTypePolicy own = DType::float16;
  CHECK(own.given());
  CHECK(own.name() == "float16");
  set_dtype_policy({});
  CHECK(dtype_policy().name() == "float64");
  CHECK_THROWS_WITH_AS(DTypePolicy("mixed_float8"),
                       "DTypePolicy: the name must be \"mixed_float16\", \"mixed_bfloat16\" or that of a dtype such as "
                       "\"float32\", got \"mixed_float8\"",
                       Error);
}

TEST_CASE("the defaults change and refuse nonsense") {
  const Restore restore;
  CHECK(epsilon() == 1e-7);
  set_epsilon(1e-3);
  CHECK(epsilon() == 1e-3);
  CHECK_THROWS_AS(set_epsilon(-1.0), Error);
  set_image_data_format("channels_first");
  CHECK(image_data_format() == "channels_first");
  CHECK_THROWS_AS(set_image_data_format("NHWC"), Error);
  CHECK_THROWS_WITH_AS(set_floatx(DType::int32),
                       "set_floatx: the dtype must be float16, bfloat16, float32 or float64, got int32", Error);
}
