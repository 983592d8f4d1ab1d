// Keras' operations that cannot be nodes here, and what to do instead.
#include <map>

#include "model/operation.hpp"

namespace nyala::detail {

namespace {

constexpr char functions[] =
    "it calls a Python function, which a file names but cannot bring along, and which is never executed; write the "
    "loop or the choice in C++ as a layer, and make it known by register_layer<T>";
constexpr char complex_numbers[] =
    "its result is made of complex numbers, which no tensor here holds; work with the real and the imaginary part";

}  // namespace

const char* why_refused(const std::string& operation) {
  static const std::map<std::string, const char*> reasons = {
      {"Map", functions},
      {"Scan", functions},
      {"AssociativeScan", functions},
      {"Switch", functions},
      {"WhileLoop", functions},
      {"ForiLoop", functions},
      {"Cond", functions},
      {"VectorizedMap", functions},
      {"JVP", functions},
      {"Function", "it is a graph of its own; save it as a model"},
      {"Eig", complex_numbers},
      {"Polar", complex_numbers},
      {"ViewAsComplex", complex_numbers},
      {"ViewAsReal", "it takes complex numbers, which no tensor here holds"},
      {"Nonzero",
       "the length of its result hangs on the values, so no layer behind it can be built; where(condition, x, 0) or a "
       "product with the condition keeps the shape"},
      {"Arange", "it is a constant; Keras makes no node of it"},
      {"SegmentReduction", "it is what SegmentSum and its like have in common, and nothing by itself"},
      {"ElasticTransform",
       "it draws at random whenever the graph runs; the layer RandomElasticTransform does so in training alone"},
  };
  const auto found = reasons.find(operation);
  return found == reasons.end() ? nullptr : found->second;
}

}  // namespace nyala::detail
