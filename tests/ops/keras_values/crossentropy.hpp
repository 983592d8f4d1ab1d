#pragma once

#include "values.hpp"

// Made by nn_keras_values.py with Keras 3.15.1.

namespace nn {

// clang-format off
inline const Values& crossentropy_values() {
  static const Values values{
    {"categorical_logits", {1.316917374, 1.3259112049, 1.306932912}},
    {"categorical_first_logits", {1.2387984561, 1.2356813373, 0.32027239262, 0.44798523688}},
    {"sparse_logits", {1.1787740165, 1.3576204676, 1.6795453799}},
    {"binary_logits", {0.88140712057, 0.7102084706, 0.72152174303, 0.81130287848, 0.81552172888, 0.7474652253,
      0.71473392891, 0.8705949547, 0.74689992324, 0.7536427752, 0.74008089437, 0.89665730966}},
    {"categorical_probabilities", {1.3134099542, 1.3366304234, 1.2790803931}},
    {"categorical_first_probabilities", {1.2355747936, 1.2134528274, 0.3377864811, 0.43940156428}},
    {"sparse_probabilities", {0.89450209496, 1.2574417555, 2.6488718412}},
    {"binary_probabilities", {0.79354040791, 0.69265813479, 0.40901169645, 0.40001767075, 0.80429575906,
      0.67248052026, 0.31025866955, 0.58571388423, 0.73253073551, 0.54805066664, 0.26282095867, 0.76458392064}},
  };
  return values;
}
// clang-format on

}  // namespace nn
