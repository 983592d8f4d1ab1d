// Constants and inputs without axes in graphs.
#include <doctest/doctest.h>

#include <nyala/nyala.hpp>
#include <nyala/saving.hpp>

using namespace nyala;

TEST_CASE("inputs without axes, and constants that stay what they were") {
  const std::string json = R"({"class_name": "Functional", "config": {"name": "m", "layers": [
    {"class_name": "InputLayer", "name": "a", "inbound_nodes": [],
     "config": {"batch_shape": [3], "dtype": "float32", "name": "a"}},
    {"class_name": "InputLayer", "name": "b", "inbound_nodes": [],
     "config": {"batch_shape": [], "dtype": "float32", "name": "b"}},
    {"class_name": "Multiply", "module": "keras.src.ops.numpy", "name": "times", "config": {"name": "times"},
     "inbound_nodes": [{"args": [
       {"class_name": "__keras_tensor__", "config": {"shape": [3], "dtype": "float32", "keras_history": ["a", 0, 0]}},
       {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": ["b", 0, 0]}}],
       "kwargs": {}}]},
    {"class_name": "Add", "module": "keras.src.ops.numpy", "name": "plus", "config": {"name": "plus"},
     "inbound_nodes": [{"args": [
       {"class_name": "__keras_tensor__", "config": {"keras_history": ["times", 0, 0]}},
       {"class_name": "__tensor__", "config": {"value": 0.5, "dtype": "float32"}}], "kwargs": {}}]}],
    "input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["plus", 0, 0]]}})";
  Model model = model_from_json(json);
  const Tensors result = model.outputs({tensor({1.0F, 2.0F, 3.0F}), Tensor(2.0F)});
  CHECK(result.only().to_vector<float>() == std::vector<float>{2.5F, 4.5F, 6.5F});
  const Config again = Config::parse(model.to_json()).at("config").at("layers");
  CHECK(again[1].at("config").at("batch_shape").size() == 0);
  CHECK(again[3].at("inbound_nodes")[0].at("args")[1].json().find("__tensor__") != std::string::npos);
}
