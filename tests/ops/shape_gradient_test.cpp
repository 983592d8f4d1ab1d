#include "ops/gradient_rows.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {

const Tensor cube = scattered({2, 3, 4}, -2.0, 2.1);
const Tensor matrix = scattered({3, 4}, -1.0, 2.0, 3);
const Tensor line = scattered({3}, -1.0, 2.0, 4);

}  // namespace

TEST_CASE("rearranging differentiates") {
  const GradientRow rows[] = {
      {"reshape",
       [](Inputs x) {
         return square(reshape(x[0], {4, -1}));
       },
       {cube}},
      {"ravel", [](Inputs x) { return square(ravel(x[0])); }, {cube}},
      {"expand_dims", [](Inputs x) { return square(expand_dims(x[0], -2)); }, {cube}},
      {"squeeze",
       [](Inputs x) {
         return square(squeeze(x[0], {0, -1}));
       },
       {scattered({1, 3, 1})}},
      {"transpose", [](Inputs x) { return square(transpose(x[0])); }, {cube}},
      {"transpose 1 2 0",
       [](Inputs x) {
         return square(transpose(x[0], {1, -1, 0}));
       },
       {cube}},
      {"transpose empty", [](Inputs x) { return transpose(x[0]); }, {scattered({0, 3})}},
      {"swapaxes", [](Inputs x) { return square(swapaxes(x[0], 0, -1)); }, {cube}},
      {"moveaxis", [](Inputs x) { return square(moveaxis(x[0], 0, -1)); }, {cube}},
      {"broadcast_to",
       [](Inputs x) {
         return square(broadcast_to(x[0], {2, 3, 4}));
       },
       {scattered({3, 1})}},
      {"broadcast_to of a scalar",
       [](Inputs x) {
         return square(broadcast_to(x[0], {2, 2}));
       },
       {scattered({})}},
      {"tile",
       [](Inputs x) {
         return square(tile(x[0], {2, 1, 3}));
       },
       {matrix}},
      {"tile few", [](Inputs x) { return square(tile(x[0], {2})); }, {matrix}},
      {"tile none",
       [](Inputs x) {
         return tile(x[0], {0, 2});
       },
       {matrix}},
      {"repeat flat", [](Inputs x) { return square(repeat(x[0], 2)); }, {matrix}},
      {"repeat 0", [](Inputs x) { return square(repeat(x[0], 3, 0)); }, {matrix}},
      {"flip all", [](Inputs x) { return square(flip(x[0])); }, {cube}},
      {"flip 0 2",
       [](Inputs x) {
         return square(flip(x[0], {0, -1}));
       },
       {cube}},
      {"roll flat", [](Inputs x) { return square(roll(x[0], 5)); }, {cube}},
      {"roll 1", [](Inputs x) { return square(roll(x[0], -1, 1)); }, {cube}},
      {"diag of a vector", [](Inputs x) { return square(diag(x[0], -1)); }, {line}},
      {"diag of a matrix", [](Inputs x) { return square(diag(x[0], 1)); }, {matrix}},
      {"diagonal", [](Inputs x) { return square(diagonal(x[0], -1, 1, 2)); }, {cube}},
      {"tril", [](Inputs x) { return square(tril(x[0], 1)); }, {cube}},
      {"triu", [](Inputs x) { return square(triu(x[0], -1)); }, {cube}},
      {"trace", [](Inputs x) { return square(trace(x[0], 0, 0, 2)); }, {cube}},
  };
  check_rows(rows);
}

TEST_CASE("joining and splitting differentiate, unused parts too") {
  const GradientRow rows[] = {
      {"concatenate 0",
       [](Inputs x) {
         return square(concatenate({x[0], x[1]}, 0));
       },
       {matrix, scattered({1, 4})}},
      {"concatenate -1",
       [](Inputs x) {
         return square(concatenate({x[0], x[1], x[0]}, -1));
       },
       {cube, scattered({2, 3, 1})}},
      {"concatenate with nothing",
       [](Inputs x) {
         return square(concatenate({x[0], x[1]}, 1));
       },
       {matrix, scattered({3, 0})}},
      {"stack",
       [](Inputs x) {
         return square(stack({x[0], x[1]}, 1));
       },
       {matrix, scattered({3, 4}, 0, 1, 8)}},
      {"stack scalars",
       [](Inputs x) {
         return square(stack({x[0], x[1]}));
       },
       {scattered({}), scattered({}, 1, 2)}},
      {"unstack",
       [](Inputs x) {
         const auto parts = unstack(x[0], 1);
         return parts[0] * parts[2];
       },
       {cube}},
      {"split in 2",
       [](Inputs x) {
         const auto parts = split(x[0], 2, -1);
         return parts[0] * parts[1];
       },
       {cube}},
      {"split at",
       [](Inputs x) {
         return square(split(x[0], std::vector<std::int64_t>{1, 3}, 2)[1]);
       },
       {cube}},
      {"pad",
       [](Inputs x) {
         return square(pad(x[0], {{1, 0}, {2, 1}}, "constant", 0.5));
       },
       {matrix}},
      {"pad reflect",
       [](Inputs x) {
         return square(pad(x[0], {{2, 1}, {0, 3}}, "reflect"));
       },
       {matrix}},
      {"pad symmetric",
       [](Inputs x) {
         return square(pad(x[0], {{2, 1}, {0, 5}}, "symmetric"));
       },
       {matrix}},
      {"pad edge",
       [](Inputs x) {
         return square(pad(x[0], {{2, 1}, {0, 1}}, "edge"));
       },
       {matrix}},
  };
  check_rows(rows);
}

TEST_CASE("indexing differentiates") {
  const Tensor picks = tensor({{0, -1}, {2, 0}});
  const Tensor mask = tensor({{true, false, true, true}, {false, false, true, false}, {true, true, false, false}});
  const auto all = Slice{};
  const GradientRow rows[] = {
      {"x[1]", [](Inputs x) { return square(x[0][1]); }, {cube}},
      {"x[-1][0]", [](Inputs x) { return square(x[0][-1][0]); }, {cube}},
      {"x[0, 1:, ::2]",
       [](Inputs x) {
         return square(x[0](0, Slice{1}, Slice{{}, {}, 2}));
       },
       {cube}},
      {"x[..., ::-1, None]",
       [](Inputs x) {
         return square(x[0](ellipsis, Slice{{}, {}, -1}, newaxis));
       },
       {cube}},
      {"x[:, picks]", [=](Inputs x) { return square(x[0](all, picks)); }, {cube}},
      {"x[0, :, picks]", [=](Inputs x) { return square(x[0](0, all, picks)); }, {cube}},
      {"x[picks, :, picks2]",
       [=](Inputs x) {
         return square(x[0](tensor({0, 1, 0}), all, tensor({1, 3, 1})));
       },
       {cube}},
      {"x[:, rows, columns]",
       [=](Inputs x) {
         return square(x[0](all, tensor({0, 1}), picks));
       },
       {cube}},
      {"x[mask]", [=](Inputs x) { return square(x[0](mask)); }, {matrix}},
      {"x[1, mask]", [=](Inputs x) { return square(x[0](1, mask)); }, {cube}},
      {"take flat", [=](Inputs x) { return square(take(x[0], picks)); }, {cube}},
      {"take 1", [=](Inputs x) { return square(take(x[0], picks, 1)); }, {cube}},
      {"take nothing", [](Inputs x) { return take(x[0], zeros({0}, DType::int32), 0); }, {cube}},
      {"take_along_axis",
       [](Inputs x) {
         return square(take_along_axis(x[0], tensor({{1, 0}, {3, -1}, {0, 0}}), 1));
       },
       {matrix}},
      {"take_along_axis broadcast",
       [](Inputs x) {
         return square(take_along_axis(x[0], tensor({{{1}, {0}, {2}}}), -1));
       },
       {cube}},
      {"slice",
       [](Inputs x) {
         return square(slice(x[0], {0, 1, 2}, {2, 2, 1}));
       },
       {cube}},
      {"slice_update",
       [](Inputs x) {
         return square(slice_update(x[0], {1, 0}, x[1]));
       },
       {matrix, scattered({2, 3})}},
      {"scatter",
       [](Inputs x) {
         return square(scatter(tensor({{0}, {2}, {0}}), x[0], {3, 4}));
       },
       {matrix}},
      {"scatter deep",
       [](Inputs x) {
         return square(scatter(tensor({{0, 1}, {2, 0}, {0, 1}}), x[0], {3, 2}));
       },
       {line}},
      {"scatter_update",
       [](Inputs x) {
         return square(scatter_update(x[0], tensor({{0, 1}, {-1, 0}, {0, 1}}), x[1]));
       },
       {matrix, line}},
      {"segment_sum",
       [](Inputs x) {
         return square(segment_sum(x[0], tensor({1, 0, 1}), 3));
       },
       {matrix}},
      {"segment_max",
       [](Inputs x) {
         return square(segment_max(x[0], tensor({1, 0, 1}), 2));
       },
       {matrix}},
  };
  check_rows(rows);
}
