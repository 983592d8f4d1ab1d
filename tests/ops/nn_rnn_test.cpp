#include "nn_check.hpp"

#include <nyala/backend.hpp>

using namespace nyala;
using nn::numbers;

namespace {

enum class Cell { simple, lstm, gru, gru_reset_after };
constexpr Cell cells[] = {Cell::simple, Cell::lstm, Cell::gru, Cell::gru_reset_after};

constexpr std::int64_t batch = 2, steps = 4, features = 3, units = 2;

std::int64_t gates(Cell cell) { return cell == Cell::simple ? 1 : cell == Cell::lstm ? 4 : 3; }

/// x, h0, kernel, recurrent kernel, bias and, for an LSTM, c0.
std::vector<Tensor> operands(Cell cell, DType dtype = DType::float64) {
  const std::int64_t width = gates(cell) * units;
  std::vector<Tensor> all{
      numbers({batch, steps, features}, 0.1, 1.0, 0.0, dtype), numbers({batch, units}, 0.2, 0.7, 0.0, dtype),
      numbers({features, width}, 0.3, 0.8, 0.0, dtype), numbers({units, width}, 0.4, 0.9, 0.0, dtype),
      numbers(cell == Cell::gru_reset_after ? Shape{2, width} : Shape{width}, 0.5, 0.6, 0.0, dtype)};
  if (cell == Cell::lstm) all.push_back(numbers({batch, units}, 0.6, 0.5, 0.0, dtype));
  return all;
}

RnnResult run(Cell cell, const std::vector<Tensor>& in, const Tensor& mask, RnnArguments arguments) {
  arguments.reset_after = cell == Cell::gru_reset_after;
  if (cell == Cell::lstm) return lstm(in[0], in[1], in[5], in[2], in[3], in[4], mask, arguments);
  if (cell == Cell::simple) return simple_rnn(in[0], in[1], in[2], in[3], in[4], mask, arguments);
  return gru(in[0], in[1], in[2], in[3], in[4], mask, arguments);
}

/// Sequence and states in one tensor.
Tensor joined(const RnnResult& result) {
  const Tensor both = concatenate({ravel(result.sequence), 0.7 * ravel(result.state)});
  return result.cell_state.defined() ? concatenate({both, -0.4 * ravel(result.cell_state)}) : both;
}

const Tensor& mask() {
  static const Tensor made = tensor({{false, true, false, true}, {true, true, false, false}});
  return made;
}

}  // namespace

TEST_CASE("rnn: gradients with and without mask, in both directions") {
  for (const Cell cell : cells) {
    for (const bool masked : {false, true}) {
      for (const bool backwards : {false, true}) {
        for (const bool zero_output : {false, true}) {
          if (zero_output && !masked) continue;
          CAPTURE(static_cast<int>(cell));
          CAPTURE(masked);
          CAPTURE(backwards);
          const RnnArguments arguments{.go_backwards = backwards, .zero_output_for_mask = zero_output};
          const nn::Function f = [&](const std::vector<Tensor>& in) {
            return joined(run(cell, in, masked ? mask() : Tensor(), arguments));
          };
          nn::check_gradients(f, operands(cell));
        }
      }
    }
  }
}

TEST_CASE("rnn: gradients of the second order") {
  for (const Cell cell : cells) {
    for (const bool masked : {false, true}) {
      CAPTURE(static_cast<int>(cell));
      const nn::Function f = [&](const std::vector<Tensor>& in) {
        return joined(run(cell, in, masked ? mask() : Tensor(), {.go_backwards = masked}));
      };
      nn::check_second_gradients(f, operands(cell));
    }
  }
}

TEST_CASE("rnn: gradients with every activation, fused or not") {
  for (const char* activation : {"tanh", "sigmoid", "relu", "linear", "hard_sigmoid", "softsign", "gelu", "silu", "elu",
                                 "selu", "softplus", "mish", "leaky_relu", "squareplus", "tanh_shrink"}) {
    for (const Cell cell : {Cell::lstm, Cell::gru_reset_after}) {
      CAPTURE(activation);
      const RnnArguments arguments{.activation = activation, .recurrent_activation = "hard_sigmoid"};
      const nn::Function f = [&](const std::vector<Tensor>& in) { return joined(run(cell, in, mask(), arguments)); };
      nn::check_gradients(f, operands(cell));
    }
  }
}

TEST_CASE("rnn: the kernels agree with the cells' equations step by step") {
  for (const Cell cell : cells) {
    CAPTURE(static_cast<int>(cell));
    // No kernel fuses hard_tanh; between -1 and 1 it is linear, which they do fuse.
    std::vector<Tensor> in = operands(cell);
    for (Tensor& each : in) each = each * 0.1;
    for (const bool backwards : {false, true}) {
      nn::check_close(joined(run(cell, in, mask(), {.activation = "hard_tanh", .go_backwards = backwards})),
                      joined(run(cell, in, mask(), {.activation = "linear", .go_backwards = backwards})), 1e-14);
    }
  }
}

TEST_CASE("rnn without initial states and bias takes zeros") {
  for (const Cell cell : cells) {
    std::vector<Tensor> in = operands(cell), zeroed = in;
    for (const std::size_t which : {std::size_t{1}, std::size_t{4}, std::size_t{5}}) {
      if (which >= in.size()) continue;
      zeroed[which] = zeros_like(in[which]);
      in[which] = Tensor();
    }
    nn::check_close(joined(run(cell, in, mask(), {})), joined(run(cell, zeroed, mask(), {})), 1e-15);
    const nn::Function f = [&](const std::vector<Tensor>& some) {
      std::vector<Tensor> all = in;
      all[0] = some[0];
      all[2] = some[1];
      all[3] = some[2];
      return joined(run(cell, all, {}, {}));
    };
    nn::check_gradients(f, {in[0], in[2], in[3]});
    nn::check_second_gradients(f, {in[0], in[2], in[3]});
  }
}

TEST_CASE("rnn: masked steps carry states over and repeat outputs") {
  const std::vector<Tensor> in = operands(Cell::lstm);
  const RnnResult result = run(Cell::lstm, in, mask(), {});
  const Tensor& y = result.sequence;
  nn::check_close(y(0, 0), zeros({units}, DType::float64), 0.0);
  nn::check_close(y(0, 2), y(0, 1), 0.0);
  nn::check_close(y(1, 3), y(1, 1), 0.0);
  nn::check_close(result.state(1), y(1, 1), 0.0);
  const Tensor zeroed = run(Cell::lstm, in, mask(), {.zero_output_for_mask = true}).sequence;
  nn::check_close(zeroed(0, 2), zeros({units}, DType::float64), 0.0);
  nn::check_close(zeroed(1, 1), y(1, 1), 0.0);
}

TEST_CASE("rnn: the fast kernels agree with the reference, forward and backward") {
  for (const Cell cell : cells) {
    for (const bool masked : {false, true}) {
      CAPTURE(static_cast<int>(cell));
      const std::vector<Tensor> in = operands(cell, DType::float32);
      const auto results = [&] {
        GradientTape tape;
        for (const Tensor& source : in) tape.watch(source);
        const Tensor y = joined(run(cell, in, masked ? mask() : Tensor(), {}));
        std::vector<Tensor> all = tape.gradient(y, in);
        all.push_back(y);
        return all;
      };
      const std::vector<Tensor> fast = results();
      set_cpu_kernels("reference");
      const std::vector<Tensor> reference = results();
      set_cpu_kernels("auto");
      for (std::size_t i = 0; i < fast.size(); ++i) nn::check_close(fast[i], reference[i], 1e-5);
    }
  }
}

TEST_CASE("rnn takes no steps and no samples") {
  const RnnResult none = lstm(zeros({2, 0, 3}), ones({2, 2}), {}, zeros({3, 8}), zeros({2, 8}), {});
  CHECK(none.sequence.shape() == Shape{2, 0, 2});
  CHECK(none.state.to_vector<float>() == std::vector<float>{1, 1, 1, 1});
  CHECK(gru(zeros({0, 4, 3}), {}, zeros({3, 6}), zeros({2, 6}), {}).sequence.shape() == Shape{0, 4, 2});
}

TEST_CASE("rnn names what it refuses") {
  const Tensor x = zeros({2, 4, 3});
  CHECK(nn::refusal([&] {
          lstm(zeros({2, 3}), {}, {}, zeros({3, 8}), zeros({2, 8}), {});
        }) == "lstm: x must be (batch, time, features), got (2, 3)");
  CHECK(nn::refusal([&] {
          lstm(x, {}, {}, zeros({5, 8}), zeros({2, 8}), {});
        }) == "lstm: the kernel (5, 8) must take the 3 features of x (2, 4, 3)");
  CHECK(nn::refusal([&] {
          lstm(x, {}, {}, zeros({3, 8}), zeros({2, 6}), {});
        }) == "lstm: the recurrent kernel must be (units, 4 * units), got (2, 6)");
  CHECK(nn::refusal([&] {
          gru(x, {}, zeros({3, 6}), zeros({2, 6}), zeros({6}));
        }) == "gru: the bias must have the shape (2, 6), got (6,)");
  CHECK(nn::refusal([&] {
          simple_rnn(x, zeros({2, 3}), zeros({3, 2}), zeros({2, 2}), {});
        }) == "simple_rnn: the initial state must have the shape (2, 2), got (2, 3)");
  CHECK(nn::refusal([&] {
          gru(x, {}, zeros({3, 6}), zeros({2, 6}), {}, zeros({2, 3}, DType::boolean));
        }) == "gru: the mask must have the shape (2, 4), got (2, 3)");
  CHECK(nn::refusal([&] {
          gru(x, {}, zeros({3, 6}), zeros({2, 6}), {}, {}, {.activation = "tahn"});
        }) == "gru: activation must name an elementwise activation (tanh, sigmoid, relu, linear, …), got \"tahn\"");
}
