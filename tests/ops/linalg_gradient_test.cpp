#include "ops/gradient_rows.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {

/// Far enough from singular, symmetric or of equal singular values.
Tensor regular(const Shape& shape, unsigned seed = 2) { return scattered(shape, -1.0, 1.0, seed); }

Tensor positive(const Tensor& x) {
  return matmul(x, x, false, true) + 0.5 * eye(x.shape().at(-2), None, 0, DType::float64);
}

}  // namespace

TEST_CASE("matrix products differentiate for vectors, batches and flags") {
  struct Row {
    Shape a, b;
    bool transpose_a, transpose_b;
  };
  const Row rows[] = {
      {{2, 3}, {3, 4}, false, false},
      {{3, 2}, {3, 4}, true, false},
      {{2, 3}, {4, 3}, false, true},
      {{3, 2}, {4, 3}, true, true},
      {{3}, {3}, false, false},
      {{2, 3}, {3}, false, false},
      {{3}, {3, 2}, false, false},
      {{3}, {2, 3, 2}, false, false},
      {{2, 2, 3}, {3}, false, false},
      {{2, 2, 3}, {3, 2}, false, false},
      {{2, 2, 3}, {2, 3}, false, true},
      {{2, 3, 2}, {3, 2}, true, false},
      {{2, 2, 3}, {2, 3, 2}, false, false},
      {{1, 2, 3}, {2, 3, 2}, false, false},
      {{2, 3}, {2, 3, 2}, false, false},
      {{2, 1, 2, 3}, {3, 3, 1}, false, false},
      {{2, 1, 3, 2}, {2, 1, 3}, true, true},
      {{0, 3}, {3, 2}, false, false},
      {{2, 0}, {0, 2}, false, false},
      {{2, 2, 0}, {0, 2}, false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.a);
    CAPTURE(row.b);
    const auto f = [&](Inputs x) { return matmul(x[0], x[1], row.transpose_a, row.transpose_b); };
    CHECK(gradcheck(f, {scattered(row.a), scattered(row.b, -1, 1, 2)}) == "");
    CHECK(gradgradcheck(f, {scattered(row.a), scattered(row.b, -1, 1, 2)}, 1e-5) == "");
  }
}

TEST_CASE("contractions differentiate") {
  const Tensor a = regular({2, 3, 4}), b = regular({4, 3, 2}, 5), v = regular({3}, 6), w = regular({3}, 7);
  const GradientRow rows[] = {
      {"dot vectors", [](Inputs x) { return dot(x[0], x[1]); }, {v, w}},
      {"dot", [](Inputs x) { return dot(x[0], x[1]); }, {regular({2, 3}), regular({2, 3, 2}, 4)}},
      {"outer", [](Inputs x) { return outer(x[0], x[1]); }, {v, regular({2, 2})}},
      {"vdot", [](Inputs x) { return vdot(x[0], x[1]); }, {regular({2, 3}), regular({3, 2}, 4)}},
      {"inner", [](Inputs x) { return inner(x[0], x[1]); }, {regular({2, 3}), regular({2, 2, 3}, 4)}},
      {"tensordot 0", [](Inputs x) { return tensordot(x[0], x[1], 0); }, {v, w}},
      {"tensordot 1", [](Inputs x) { return tensordot(x[0], x[1], 1); }, {a, b}},
      {"tensordot axes",
       [](Inputs x) {
         return tensordot(x[0], x[1], {-1, 1}, {0, 1});
       },
       {a, b}},
      {"einsum ij,jk", [](Inputs x) { return einsum("ij,jk->ik", x); }, {regular({2, 3}), regular({3, 2}, 4)}},
      {"einsum implicit", [](Inputs x) { return einsum("ba,bc", x); }, {regular({2, 3}), regular({2, 2}, 4)}},
      {"einsum heads",
       [](Inputs x) { return einsum("aecd,abcd->acbe", x); },
       {regular({2, 2, 1, 3}), regular({2, 3, 1, 3}, 4)}},
      {"einsum turned",
       [](Inputs x) { return einsum("bkm,bnk->bmn", x); },
       {regular({2, 3, 2}), regular({2, 4, 3}, 4)}},
      {"einsum diagonal", [](Inputs x) { return einsum("iij->ij", x); }, {regular({3, 3, 2})}},
      {"einsum trace", [](Inputs x) { return einsum("ii", x); }, {regular({3, 3})}},
      {"einsum ellipsis",
       [](Inputs x) { return einsum("...ij,...jk->...ik", x); },
       {regular({2, 1, 2, 3}), regular({3, 3, 2}, 4)}},
      {"einsum three",
       [](Inputs x) { return einsum("ij,jk,kl->il", x); },
       {regular({2, 3}), regular({3, 2}, 4), regular({2, 2}, 5)}},
      {"einsum sums out", [](Inputs x) { return einsum("ij,kl->i", x); }, {regular({2, 3}), regular({2, 2}, 4)}},
      {"einsum elementwise", [](Inputs x) { return einsum("ij,ji->ij", x); }, {regular({2, 3}), regular({3, 2}, 4)}},
  };
  check_rows(rows);
}

TEST_CASE("decompositions and solutions differentiate") {
  const Tensor tall = regular({2, 4, 3}), wide = regular({3, 4}, 3), square3 = regular({3, 3}, 9);
  const auto from_qr = [](const QR& f) { return concatenate({ravel(f.q), ravel(f.r)}); };
  const auto from_svd = [](const SVD& f) { return concatenate({ravel(f.u * f.u), ravel(f.s), ravel(f.vh * f.vh)}); };
  const GradientRow rows[] = {
      {"qr tall", [=](Inputs x) { return from_qr(qr(x[0])); }, {tall}},
      {"qr square", [=](Inputs x) { return from_qr(qr(x[0])); }, {square3}},
      {"qr wide", [=](Inputs x) { return from_qr(qr(x[0])); }, {wide}},
      {"qr r only", [](Inputs x) { return qr(x[0]).r; }, {tall}},
      {"qr complete wide", [=](Inputs x) { return from_qr(qr(x[0], "complete")); }, {wide}},
      {"svd tall", [=](Inputs x) { return from_svd(svd(x[0])); }, {regular({4, 3}, 12)}},
      {"svd wide", [=](Inputs x) { return from_svd(svd(x[0])); }, {regular({2, 2, 3}, 13)}},
      {"svd square", [=](Inputs x) { return from_svd(svd(x[0])); }, {square3}},
      {"svd s only", [](Inputs x) { return svd(x[0], true).s; }, {wide}},
      {"svd u and v together",
       [](Inputs x) {
         const SVD f = svd(x[0]);
         return matmul(f.u, f.vh);
       },
       {square3}},
      {"cholesky", [](Inputs x) { return cholesky(positive(x[0])); }, {square3}},
      {"cholesky batch", [](Inputs x) { return cholesky(positive(x[0])); }, {regular({2, 2, 3})}},
      {"inv", [](Inputs x) { return inv(positive(x[0])); }, {regular({2, 2, 2})}},
      {"det", [](Inputs x) { return det(x[0]); }, {regular({2, 3, 3})}},
      {"det of a singular matrix",
       [](Inputs x) { return det(x[0]); },
       {tensor({{1.0, 2.0}, {2.0, 4.0}}, DType::float64)}},
      {"solve", [](Inputs x) { return solve(positive(x[0]), x[1]); }, {square3, regular({3, 2})}},
      {"solve vector", [](Inputs x) { return solve(positive(x[0]), x[1]); }, {square3, regular({3})}},
      {"solve batch of one vector",
       [](Inputs x) { return solve(positive(x[0]), x[1]); },
       {regular({2, 2, 2}), regular({2}, 4)}},
      {"solve batch", [](Inputs x) { return solve(positive(x[0]), x[1]); }, {regular({2, 2, 2}), regular({2, 1}, 4)}},
  };
  check_rows(rows);
}
