// Gradients of the operations that only files' graphs have (values: tests/live/special_operations_live.py).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "support/gradcheck.hpp"

using namespace nyala;

namespace {

std::string tensor_text(const std::string& layer, const std::string& shape) {
  return R"({"class_name": "__keras_tensor__", "config": {"shape": )" + shape +
         R"(, "dtype": "float64", "keras_history": [")" + layer + R"(", 0, 0]}})";
}

/// A graph of one input x and one operation; `call` holds what follows x among its arguments.
Model graph_of(const std::string& operation, const std::string& module, const std::string& construction,
               const std::string& shape, const std::string& before, const std::string& after, int output = 0) {
  const std::string x = tensor_text("x", shape);
  const std::string json =
      R"({"class_name": "Functional", "config": {"name": "m", "layers": [
        {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": )" +
      shape + R"(, "dtype": "float64", "name": "x"}, "name": "x", "inbound_nodes": []},
        {"module": "keras.src.ops.)" +
      module + R"(", "class_name": ")" + operation + R"(", "config": {"name": "f")" + construction +
      R"(}, "registered_name": ")" + operation + R"(", "name": "f", "inbound_nodes": [{"args": [)" + before + x +
      after + R"(], "kwargs": {}}]}], "input_layers": [["x", 0, 0]], "output_layers": [["f", 0, )" +
      std::to_string(output) + R"(]]}})";
  return model_from_json(json);
}

void check_gradient(Model model, const Shape& shape) {
  set_random_seed(3);
  const Tensor x = random::normal(shape, 0.0, 1.0, DType::float64);
  CHECK(nyala::testing::gradcheck([&](const std::vector<Tensor>& in) { return model.outputs(in[0])[0]; }, {x}) == "");
}

}  // namespace

TEST_CASE("gradients of Eigh, ISTFT, ScaleAndTranslate and CTCLoss in graphs") {
  check_gradient(graph_of("Eigh", "linalg", "", "[2, 4, 4]", "", ""), {2, 4, 4});
  const std::string half = R"([)", both = ", " + tensor_text("x", "[2, 3, 5]") + "]";
  check_gradient(graph_of("ISTFT", "math", R"(, "sequence_length": 8, "sequence_stride": 3, "fft_length": 8)",
                          "[2, 3, 5]", half, both),
                 {2, 3, 5});
  check_gradient(graph_of("ScaleAndTranslate", "image", R"(, "spatial_dims": [1, 2], "method": "cubic")",
                          "[2, 4, 3, 1]", "", ", [2, 6, 5, 1], [1.5, 0.8], [0.3, -0.4]"),
                 {2, 4, 3, 1});
  check_gradient(
      graph_of("CTCLoss", "nn", R"(, "mask_index": 0)", "[2, 6, 4]", "[[1, 2, 2], [3, 1, 0]], ", ", [3, 2], [6, 5]"),
      {2, 6, 4});
}

TEST_CASE("operations whose sizes hang on values say what to give") {
  const auto built = [](const std::string& operation, const std::string& construction) {
    try {
      graph_of(operation, "numpy", construction, "[5]", "", "");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(built("Unique", "").find("give size") != std::string::npos);
  CHECK(built("Bincount", "").find("give minlength") != std::string::npos);
  CHECK(built("Nonzero", "").find("where") != std::string::npos);
  CHECK(built("Scan", "").find("never executed") != std::string::npos);
  CHECK(built("View", R"(, "dtype": "int32")") == "");
}

TEST_CASE("MapCoordinates goes on beyond the edges as sample_image does, in every mode") {
  const Tensor x = random::normal({3, 5}, 0.0, 1.0, DType::float64);
  const std::string row_text = "-7.3, -2.5, -1.0, -0.4, 0.0, 1.6, 2.0, 2.7, 3.5, 9.2",
                    column_text = "11.4, -0.6, 4.0, 4.3, 5.5, 2.2, -3.0, 6.9, -9.1, 0.5";
  const Tensor row = tensor({-7.3, -2.5, -1.0, -0.4, 0.0, 1.6, 2.0, 2.7, 3.5, 9.2});
  const Tensor column = tensor({11.4, -0.6, 4.0, 4.3, 5.5, 2.2, -3.0, 6.9, -9.1, 0.5});
  for (const std::string mode : {"constant", "nearest", "wrap", "mirror", "reflect"})
    for (const int order : {0, 1}) {
      CAPTURE(mode);
      CAPTURE(order);
      Model model =
          graph_of("MapCoordinates", "image",
                   R"(, "order": )" + std::to_string(order) + R"(, "fill_mode": ")" + mode + R"(", "fill_value": 0.5)",
                   "[3, 5]", "", ", [[" + row_text + "], [" + column_text + "]]");
      const Tensor found = model.outputs(x)[0];
      const Tensor wanted =
          sample_image(reshape(x, {1, 3, 5, 1}), reshape(row, {1, 1, 10}), reshape(column, {1, 1, 10}),
                       {.interpolation = order == 0 ? "nearest" : "bilinear", .fill_mode = mode, .fill_value = 0.5});
      CHECK(max(abs(found - reshape(wanted, {10}))).item<double>() < 1e-6);  // places in files are float32
    }
}
