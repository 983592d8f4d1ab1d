#include "backend/cpu/simd/nn_loops.hpp"

#include "nn_check.hpp"

using namespace nn_check;
using nyala::FusedActivation;
using nyala::backend::simd::CellActivation;
using nyala::backend::simd::CellRows;
using nyala::backend::simd::nn_loops;
using nyala::backend::simd::NnLoops;

namespace {

constexpr const char* levels[] = {"sse42", "avx2", "avx512"};

std::vector<float> floats(std::int64_t count, std::uint64_t seed) {
  const auto values = numbers(count, seed);
  return {values.begin(), values.end()};
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return worst;
}

}  // namespace

TEST_CASE("small matrix products of every shape and instruction set") {
  for (const char* level : levels) {
    const NnLoops* loops = nn_loops(level);
    if (loops == nullptr) continue;
    CAPTURE(level);
    for (const std::int64_t m : {1, 2, 3, 5, 8, 13, 29})
      for (const std::int64_t n : {1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 40})
        for (const std::int64_t k : {0, 1, 6, 600})
          for (const bool turned : {false, true}) {
            INFO(m << " " << n << " " << k << " " << turned);
            const auto a = floats(m * k, 1), b = floats(k * n, 2);
            auto c = floats(m * n, 3);
            std::vector<float> expected = c;
            for (std::int64_t i = 0; i < m * n; ++i) {
              double sum = static_cast<double>(c[static_cast<std::size_t>(i)]);
              for (std::int64_t j = 0; j < k; ++j)
                sum += static_cast<double>(a[static_cast<std::size_t>(turned ? j * m + i / n : i / n * k + j)]) *
                       static_cast<double>(b[static_cast<std::size_t>(j * n + i % n)]);
              expected[static_cast<std::size_t>(i)] = static_cast<float>(sum);
            }
            loops->multiply({m, n, k, turned ? 1 : k, turned ? m : 1, n, n, true}, a.data(), b.data(), c.data());
            CHECK(distance(c, expected) < 1e-4);
          }
  }
}

TEST_CASE("epilogues write nothing beside their block, with every instruction set") {
  for (const char* level : levels) {
    const NnLoops* loops = nn_loops(level);
    if (loops == nullptr) continue;
    CAPTURE(level);
    for (const std::int64_t columns : {1, 5, 16, 23}) {
      const auto sums = floats(3 * 30, 1), bias = floats(columns, 2);
      std::vector<float> out(3 * 30, 7.0f), before(3 * 30, 7.0f);
      loops->finish({3, columns, 30, 30, FusedActivation::tanh}, sums.data(), bias.data(), before.data(), out.data());
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t column = i % 30;
        const bool inside = column < static_cast<std::size_t>(columns);
        const float sum = inside ? sums[i] + bias[column] : 7.0f;
        CHECK(before[i] == sum);
        CHECK(out[i] == doctest::Approx(inside ? std::tanh(sum) : 7.0f).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("recurrent cells agree between instruction sets") {
  const std::int64_t rows = 3, units = 21;
  const bool live[] = {true, false, true};
  const auto run = [&](const NnLoops& loops, CellActivation activation) {
    const CellRows lstm{rows, units, 4 * units, units, units, live, 1, activation},
        gru{rows, units, 3 * units, units, units, live, 1, activation},
        simple{rows, units, units, units, units, live, 1, activation};
    auto gates = floats(rows * 4 * units, 1), dh = floats(rows * units, 2), dc = floats(rows * units, 3);
    const auto h = floats(rows * units, 4), c = floats(rows * units, 5), recurrent = floats(rows * 3 * units, 6);
    std::vector<float> new_h(h), new_c(c), dsums(gates), drecurrent(gates), all;
    const auto keep = [&] {
      for (const auto* values : {&gates, &dh, &dc, &new_h, &new_c, &dsums, &drecurrent})
        all.insert(all.end(), values->begin(), values->end());
    };
    loops.lstm_forward(lstm, gates.data(), h.data(), c.data(), new_h.data(), new_c.data());
    loops.lstm_backward(lstm, gates.data(), c.data(), new_c.data(), dh.data(), dc.data(), dsums.data());
    keep();
    dh = floats(rows * units, 7);
    loops.gru_forward(gru, gates.data(), recurrent.data(), h.data(), new_h.data(), new_c.data());
    loops.gru_backward(gru, gates.data(), h.data(), new_c.data(), dh.data(), dsums.data(), drecurrent.data());
    keep();
    dh = floats(rows * units, 8);
    loops.simple_forward(simple, recurrent.data(), h.data(), new_h.data());
    loops.simple_backward(simple, new_h.data(), dh.data(), dsums.data());
    keep();
    loops.accumulate(units, h.data(), dh.data());
    keep();
    return all;
  };
  for (const auto activation : {CellActivation::tanh, CellActivation::relu, CellActivation::linear}) {
    const auto expected = run(*nn_loops("sse42"), activation);
    for (const char* level : levels)
      if (const NnLoops* loops = nn_loops(level)) CHECK(distance(run(*loops, activation), expected) < 2e-6);
  }
}
