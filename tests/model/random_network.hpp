#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

namespace nyala::testing {

/// A network that follows from a number: layers that fast paths take together (products, normalisation, sums,
/// activations, pooling), of odd sizes, with tensors that are used twice and several outputs.
class RandomNetwork {
 public:
  /// most: multiplications of a call.
  RandomNetwork(unsigned seed, double most) : random_(seed), most_(most) { batch_ = one_of({1, 1, 2, 3, 7, 16, 33}); }

  int batch() const { return batch_; }
  const std::string& text() const { return text_; }

  Model model() {
    const KerasTensor in = input();
    note("batch " + std::to_string(batch_) + " of " + in.shape().str());
    std::vector<KerasTensor> known{in};
    const int wanted = one_of({1, 2, 3, 4, 5, 6});
    for (int made = 0, tries = 0; made < wanted && tries < 40; ++tries) {
      const KerasTensor x = chance(0.85) ? known.back() : known[below(static_cast<int>(known.size()))];
      const double spent = spent_;
      const std::string before = text_;
      try {
        known.push_back(step(x));
        ++made;
      } catch (const Error&) {  // too small an image, or too dear
        spent_ = spent;
        text_ = before;
        continue;
      }
      const auto same = std::find_if(known.begin(), known.end() - 1,
                                     [&](const KerasTensor& t) { return t.shape() == known.back().shape(); });
      if (chance(0.12) && same != known.end() - 1) known.push_back(Add()({*same, known.back()}));
    }
    std::vector<KerasTensor> outputs{ending(known.back())};
    for (std::size_t i = 1; i + 1 < known.size() && outputs.size() < 3; ++i)
      if (chance(0.06)) outputs.push_back(known[i]);
    return Model({in}, outputs);
  }

 private:
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return *(values.begin() + random_() % values.size());
  }
  std::size_t below(int count) { return random_() % static_cast<std::size_t>(count); }
  bool chance(double p) { return static_cast<double>(random_() >> 11) * 0x1p-53 < p; }
  int channels() { return one_of({1, 2, 3, 4, 8, 12, 16, 16, 24, 32, 32, 40, 64, 64, 80, 96, 128, 160}); }
  std::string activation() {
    return one_of<const char*>({"linear", "linear", "relu", "relu", "relu", "relu6", "tanh", "sigmoid", "gelu", "silu",
                                "elu", "leaky_relu", "softplus", "softmax"});
  }
  void note(const std::string& what) { text_ += (text_.empty() ? "" : ", ") + what; }

  KerasTensor paid(const KerasTensor& y, double each) {
    double numbers = batch_;
    for (int axis = 1; axis < y.shape().rank(); ++axis) numbers *= static_cast<double>(y.shape().at(axis));
    spent_ += numbers * each;
    if (numbers == 0 || numbers > 400'000 || spent_ > most_) throw Error("no such network");
    return y;
  }

  KerasTensor input() {
    const int size = one_of({1, 2, 3, 5, 7, 8, 9, 12, 14, 16, 20, 28}), few = one_of({1, 2, 3, 4});
    const int width = chance(0.6) ? size : one_of({1, 2, 5, 8, 13, 16}), depth = chance(0.4) ? few : channels();
    switch (below(8)) {
      case 0: return Input({channels() * one_of({1, 3, 7})});
      case 1: return Input({one_of({1, 2, 5, 8, 16, 31}), depth});
      case 2: return Input({one_of({1, 2, 4, 6}), one_of({1, 3, 4, 8}), one_of({2, 4, 5}), std::min(depth, 32)});
      default: return Input({size, width, depth});
    }
  }

  template <std::size_t N>
  static Dims<N> all(int value) {
    if constexpr (N == 1)
      return value;
    else if constexpr (N == 2)
      return {value, value};
    else
      return {value, value, value};
  }

  template <std::size_t N>
  KerasTensor conv_of(const KerasTensor& x, bool plain) {
    const int in = static_cast<int>(x.shape().back()), stride = one_of({1, 1, 1, 2, 3});
    int size = one_of({1, 1, 2, 3, 3, 3, 5, 7}), filters = channels(), groups = 1;
    const std::string padding = one_of<const char*>({"same", "same", "valid"}), act = plain ? "linear" : activation();
    const int dilation = stride == 1 && chance(0.15) ? 2 : 1, kind = plain ? 0 : one_of({0, 0, 0, 0, 0, 1, 2, 3});
    for (std::size_t axis = 1; axis <= N && padding == "valid"; ++axis)
      while (size > 1 && (size - 1) * dilation + 1 > x.shape().at(static_cast<int>(axis))) --size;
    for (const int count : {4, 3, 2})
      if (kind == 0 && groups == 1 && in % count == 0 && chance(0.05))
        groups = count, filters = count * one_of({1, 4, 8});
    const bool bias = chance(0.75);
    const double taps = std::pow(size, N);
    note(std::string(kind == 0   ? "conv"
                     : kind == 1 ? "transposed"
                     : kind == 2 ? "depthwise"
                                 : "separable") +
         std::to_string(filters) + " k" + std::to_string(size) + " s" + std::to_string(stride) + " d" +
         std::to_string(dilation) + " g" + std::to_string(groups) + " " + padding + " " + act);
    if (kind == 1)
      return paid(
          ConvTranspose<N>(std::min(filters, 64), all<N>(size),
                           {.strides = all<N>(stride), .padding = padding, .activation = act, .use_bias = bias})(x),
          taps * in);
    if constexpr (N < 3) {
      if (kind == 2)
        return paid(DepthwiseConv<N>(all<N>(size), {.strides = all<N>(stride),
                                                    .padding = padding,
                                                    .depth_multiplier = one_of({1, 1, 2}),
                                                    .dilation_rate = all<N>(dilation),
                                                    .activation = act,
                                                    .use_bias = bias})(x),
                    taps);
      if (kind == 3)
        return paid(SeparableConv<N>(filters, all<N>(size),
                                     {.strides = all<N>(stride),
                                      .padding = padding,
                                      .dilation_rate = all<N>(dilation),
                                      .activation = act,
                                      .use_bias = bias})(x),
                    taps + in);
    }
    return paid(Conv<N>(filters, all<N>(size),
                        {.strides = all<N>(stride),
                         .padding = padding,
                         .dilation_rate = all<N>(dilation),
                         .groups = groups,
                         .activation = act,
                         .use_bias = bias})(x),
                taps * in / groups);
  }
  KerasTensor product(const KerasTensor& x, bool plain = false) {
    switch (x.shape().rank()) {
      case 3: return conv_of<1>(x, plain);
      case 4: return conv_of<2>(x, plain);
      case 5: return conv_of<3>(x, plain);
      default: return dense(x, plain);
    }
  }
  KerasTensor dense(const KerasTensor& x, bool plain) {
    const int units = channels() * one_of({1, 1, 2});
    const std::string act = plain ? "linear" : activation();
    note("dense" + std::to_string(units) + " " + act);
    return paid(Dense(units, {.activation = act, .use_bias = chance(0.8)})(x), static_cast<double>(x.shape().back()));
  }
  KerasTensor normalized(const KerasTensor& x) {
    note("norm");
    return BatchNormalization({.center = chance(0.85), .scale = chance(0.85), .trainable = chance(0.9)})(x);
  }
  KerasTensor activated(const KerasTensor& x) {
    note("act");
    switch (below(6)) {
      case 0: return ReLU({.max_value = 6.0})(x);
      case 1: return LeakyReLU()(x);
      case 2: return Activation(activation())(x);
      case 3: return PReLU()(x);
      default: return ReLU()(x);
    }
  }
  KerasTensor pooled(const KerasTensor& x) {
    const int size = one_of({2, 2, 3}), stride = chance(0.6) ? size : one_of({1, 2});
    const std::string padding = one_of<const char*>({"valid", "same"});
    const bool maximum = chance(0.65);
    note((maximum ? "max" : "mean") + std::to_string(size) + "/" + std::to_string(stride) + padding);
    switch (x.shape().rank()) {
      case 3:
        return paid(maximum ? MaxPooling1D(size, {.strides = stride, .padding = padding})(x)
                            : AveragePooling1D(size, {.strides = stride, .padding = padding})(x),
                    1);
      case 4:
        return paid(maximum ? MaxPooling2D(size, {.strides = stride, .padding = padding})(x)
                            : AveragePooling2D(size, {.strides = stride, .padding = padding})(x),
                    1);
      default: return x;
    }
  }
  KerasTensor residual(const KerasTensor& x) {
    const int width = static_cast<int>(x.shape().back()), size = one_of({1, 3, 3, 5});
    note("residual");
    const auto same = [&](const KerasTensor& t) {
      const ConvOptions<1> line{.padding = "same", .use_bias = chance(0.5)};
      const ConvOptions<2> image{.padding = "same", .use_bias = chance(0.5)};
      const double taps = std::pow(size, std::max(0, t.shape().rank() - 2)) * width;
      if (t.shape().rank() == 3) return paid(Conv1D(width, size, line)(t), taps);
      return paid(t.shape().rank() == 4 ? Conv2D(width, size, image)(t) : Dense(width)(t), taps);
    };
    KerasTensor y = same(activated(normalized(same(x))));
    if (chance(0.8)) y = normalized(y);
    if (chance(0.1)) return Multiply()({y, x});
    y = chance(0.5) ? Add()({x, y}) : Add()({y, x});
    return chance(0.85) ? activated(y) : y;
  }

  KerasTensor step(const KerasTensor& x) {
    const int rank = x.shape().rank();
    switch (below(14)) {
      case 0:
      case 1:
      case 2: return product(x);
      case 3:
      case 4:
      case 5: return activated(normalized(product(x, true)));
      case 6: return rank == 3 || rank == 4 ? pooled(product(x)) : product(x);
      case 7: return rank == 3 || rank == 4 ? pooled(activated(product(x, true))) : activated(x);
      case 8:
      case 9: return residual(x);
      case 10: return dense(x, false);
      case 11: note("layer norm"); return LayerNormalization()(x);
      case 12:
        if (rank != 3 || x.shape()[1] > 64) return product(x);
        note("recurrent");
        return paid(chance(0.5) ? LSTM(16, {.return_sequences = chance(0.6)})(x)
                                : GRU(24, {.return_sequences = chance(0.6)})(x),
                    500);
      default:
        if (rank == 4) {
          note("squeeze");
          const int width = static_cast<int>(x.shape().back());
          const auto all = GlobalAveragePooling2D({.keepdims = true})(x);
          return Multiply()({x, Dense(width, {.activation = "sigmoid"})(Dense(std::max(1, width / 4))(all))});
        }
        if (rank != 3 || x.shape()[1] > 64) return product(x);
        note("attention");
        return paid(MultiHeadAttention({.num_heads = 2, .key_dim = one_of({4, 8, 16})})({x, x}), 500);
    }
  }

  KerasTensor ending(const KerasTensor& x) {
    if (x.shape().rank() != 4 || chance(0.5)) return x;
    note("head");
    const auto flat = chance(0.3) ? Flatten()(x) : chance(0.5) ? GlobalMaxPooling2D()(x) : GlobalAveragePooling2D()(x);
    return Dense(10)(flat);
  }

  std::mt19937_64 random_;
  double most_, spent_ = 0;
  int batch_ = 1;
  std::string text_;
};

}  // namespace nyala::testing
