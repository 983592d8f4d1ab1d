#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>

#include <nyala/autograd.hpp>
#include <nyala/loss.hpp>
#include <nyala/register.hpp>
#include <nyala/tensor.hpp>

#include "support/golden.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

Tensor optional_of(const Json& one, const std::string& key) {
  return one.contains(key) ? golden::tensor_of(one.at(key)) : Tensor();
}

/// The config, and the constructor's arguments, which Keras 3.15 does not write for every loss.
Config config_of(const Json& one) {
  Config config = golden::config_of(one.at("config"));
  for (const auto& [key, value] : one.at("arguments").items()) config[key] = golden::config_of(value);
  return config;
}

std::shared_ptr<Loss> loss_of(const Json& one) {
  for (const auto& entry : detail::builtin_losses()) {
    if (entry.class_name == one.at("class_name").get<std::string>()) return entry.make(config_of(one));
  }
  return nullptr;
}

void check_loss(const Json& one, Findings& findings) {
  const std::shared_ptr<Loss> loss = loss_of(one);
  if (loss == nullptr) {
    findings.note("class", "is unknown");
    return;
  }
  findings.note("config", golden::difference(loss->config(), config_of(one), {"axis", "delta"}));
  Tensor y_pred = golden::tensor_of(one.at("y_pred"));
  if (one.contains("mask")) y_pred = y_pred.with_mask(golden::tensor_of(one.at("mask")));
  GradientTape tape;
  tape.watch(y_pred);
  const Tensor value = (*loss)(golden::tensor_of(one.at("y_true")), y_pred, optional_of(one, "sample_weight"));
  findings.compare("value", value, one.at("value"));
  const Tensor gradient = tape.gradient(value, y_pred, optional_of(one, "cotangent"), UnconnectedGradients::zero);
  findings.compare("gradient", gradient, one.at("gradient"));
}

}  // namespace

TEST_CASE("golden: losses") { golden::run_family("losses", check_loss); }

TEST_CASE("golden: losses_later") {
  golden::run_family("losses_later", check_loss, [](const Json& one) { return loss_of(one) == nullptr; });
}
