#include "ops/expect.hpp"
#include "support/device.hpp"
#include "support/gradcheck.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {
Tensor tall = tensor({{1, 2}, {3, 4}, {5, 6}}), wide = tensor({{1, 0, 2}, {0, 1, 3}});
const Globals moved_matrices{&tall, &wide};
}  // namespace

TEST_CASE("products have NumPy's values and dtypes") {
  CHECK(values(matmul(tall, wide)) == Values{1, 2, 8, 3, 4, 18, 5, 6, 28});
  CHECK(matmul(tall, wide).dtype() == DType::int32);
  CHECK(values(matmul(tall, tall, true)) == Values{35, 44, 44, 56});
  CHECK(values(matmul(tall, tall, false, true)) == Values{5, 11, 17, 11, 25, 39, 17, 39, 61});
  CHECK(values(matmul(tensor({1, 2, 3}), tall)) == Values{22, 28});
  CHECK(values(matmul(tall, tensor({1, 1}))) == Values{3, 7, 11});
  CHECK(matmul(zeros({2, 1, 2, 3}), zeros({4, 3, 1})).shape() == Shape{2, 4, 2, 1});
  CHECK(values(matmul(zeros({2, 0}), zeros({0, 2}))) == Values{0, 0, 0, 0});
  CHECK(matmul(cast(tall, DType::int8), cast(wide, DType::int8)).dtype() == DType::int32);
  CHECK(dot(cast(tall, DType::int8), cast(wide, DType::int8)).dtype() == DType::int8);
  CHECK(matmul(tensor({{true, false}}), tensor({{true}, {true}})).dtype() == DType::boolean);
  CHECK(matmul(cast(tall, DType::bfloat16), wide).dtype() == DType::bfloat16);
  CHECK(values(matmul(cast(tall, DType::float16), wide)) == Values{1, 2, 8, 3, 4, 18, 5, 6, 28});
  CHECK(dot(tensor({1, 2}), tensor({3, 4})).item<int>() == 11);
  CHECK(values(dot(Tensor(2), tensor({3, 4}))) == Values{6, 8});
  CHECK(dot(zeros({2, 3}), zeros({4, 3, 5})).shape() == Shape{2, 4, 5});
  CHECK(values(outer(tensor({1, 2}), tensor({3, 4}))) == Values{3, 4, 6, 8});
  CHECK(vdot(tall, tall).item<int>() == 91);
  CHECK(inner(zeros({2, 3}), zeros({4, 3})).shape() == Shape{2, 4});
  CHECK(tensordot(zeros({2, 3, 4}), zeros({3, 4, 5})).shape() == Shape{2, 5});
  CHECK(tensordot(zeros({2, 3}), zeros({4}), 0).shape() == Shape{2, 3, 4});
  CHECK(trace(tall, -1).item<int>() == 9);
}

TEST_CASE("products that cannot be are refused") {
  CHECK_THROWS_WITH_AS(matmul(zeros({2, 3}), zeros({4, 5})), "matmul: inner sizes differ: (2, 3) x (4, 5)", Error);
  CHECK_THROWS_WITH_AS(matmul(zeros({2, 3}), zeros({3, 5}), true),
                       "matmul: inner sizes differ: (2, 3) transposed x (3, 5)", Error);
  CHECK_THROWS_WITH_AS(matmul(zeros({3}), zeros({4})), "matmul: inner sizes differ: (3,) x (4,)", Error);
  CHECK_THROWS_WITH_AS(matmul(zeros({2, 2, 3}), zeros({3, 3, 1})), "matmul: shapes do not broadcast: (2,) and (3,)",
                       Error);
  CHECK_THROWS_WITH_AS(matmul(Tensor(2), zeros({3})), "matmul: a scalar has no axis to be summed over; see multiply",
                       Error);
  CHECK_THROWS_WITH_AS(dot(zeros({2, 3}), zeros({2, 3})), "dot: inner sizes differ: (2, 3) x (2, 3)", Error);
  CHECK_THROWS_WITH_AS(tensordot(zeros({2, 3}), zeros({2, 3}), 1),
                       "tensordot: axis 1 of (2, 3) and axis 0 of (2, 3) differ in size", Error);
}

TEST_CASE("einsum agrees with the operations that it generalises") {
  const Tensor x = scattered({2, 3, 4}), y = scattered({4, 3, 2}, -1, 1, 3), m = scattered({3, 3}, -1, 1, 4);
  CHECK(near(einsum("ijk,klm->ijlm", {x, y}), values(tensordot(x, y, 1))));
  CHECK(near(einsum("ijk->kij", {x}), values(transpose(x, {2, 0, 1}))));
  CHECK(near(einsum("ijk->", {x}), values(sum(x))));
  CHECK(near(einsum("ii->i", {m}), values(diagonal(m))));
  CHECK(near(einsum("ii", {m}), values(trace(m))));
  CHECK(near(einsum("ba", {m}), values(transpose(m))));
  CHECK(near(einsum("bij,bkj->bik", {x, x}), values(matmul(x, x, false, true))));
  CHECK(near(einsum("bji,bjk->bik", {x, x}), values(matmul(x, x, true))));
  CHECK(near(einsum("...ij,...jk", {m, m}), values(matmul(m, m))));
  CHECK(near(einsum("...j,j->...", {x, ones({4}, DType::float64)}), values(sum(x, -1))));
  CHECK(near(einsum("i...,i...->...", {x, x}), values(sum(x * x, 0))));
  CHECK(near(einsum("ij,jk,kl", {m, m, m}), values(matmul(matmul(m, m), m))));
  CHECK(near(einsum(" i , j -> i j ", {m[0], m[1]}), values(outer(m[0], m[1]))));
  CHECK(einsum("ij->i", {cast(tall, DType::int8)}).dtype() == DType::int32);
  CHECK_THROWS_WITH_AS(einsum("ij,jk", {m}), "einsum: \"ij,jk\" names 2 operands, got 1", Error);
  CHECK_THROWS_WITH_AS(einsum("ij", {x}), "einsum: \"ij\" of \"ij\" does not fit an operand of shape (2, 3, 4)", Error);
  CHECK_THROWS_WITH_AS(einsum("ij,jk->ik", {m, x[0](Slice{0, 2})}), "einsum: label 'j' stands for sizes 3 and 2",
                       Error);
  CHECK_THROWS_WITH_AS(einsum("i2->i", {m}), "einsum: \"i2->i\" holds '2' where a letter or one \"...\" may stand",
                       Error);
  CHECK_THROWS_WITH_AS(einsum("ij->ik", {m}), "einsum: the output label 'k' of \"ij->ik\" is in no operand", Error);
  CHECK_THROWS_WITH_AS(einsum("ij->ii", {m}), "einsum: the output of \"ij->ii\" names 'i' twice", Error);
  CHECK_THROWS_WITH_AS(einsum("...i->i", {m}), "einsum: the output of \"...i->i\" lacks the \"...\" of its operands",
                       Error);
}

TEST_CASE("decompositions put matrices together again") {
  for (const Shape& shape : {Shape{4, 3}, Shape{3, 4}, Shape{2, 3, 3}, Shape{2, 0, 3}}) {
    CAPTURE(shape);
    const Tensor x = scattered(shape);
    for (const char* mode : {"reduced", "complete"}) {
      const QR f = qr(x, mode);
      CHECK(near(matmul(f.q, f.r), values(x)));
    }
    for (const bool full : {false, true}) {
      const SVD f = svd(x, full);
      const std::int64_t k = f.s.shape().back();
      const Tensor u = f.u(ellipsis, Slice{0, k}), vh = f.vh(ellipsis, Slice{0, k}, Slice{});
      CHECK(near(matmul(u * expand_dims(f.s, -2), vh), values(x)));
    }
  }
  CHECK(qr(scattered({4, 3}), "complete").q.shape() == Shape{4, 4});
  CHECK(svd(scattered({4, 3}), true).u.shape() == Shape{4, 4});
  CHECK(near(svd(cast(tall, DType::float64)).s, {9.52551809156511, 0.5143005806586441}));
  CHECK_THROWS_WITH_AS(qr(tall, "raw"), "qr: the mode must be \"reduced\" or \"complete\", got \"raw\"", Error);
  CHECK_THROWS_WITH_AS(svd(zeros({3})), "svd: takes matrices (…, m, n), got shape (3,)", Error);
}

TEST_CASE("systems of equations") {
  const Tensor m = tensor({{2, 1}, {3, 5}});
  CHECK(near(det(m), {7}, 1e-6));
  CHECK(near(inv(cast(m, DType::float64)),
             {0.7142857142857144, -0.14285714285714282, -0.4285714285714286, 0.2857142857142857}));
  CHECK(near(solve(m, tensor({1, 2})), {0.4285714285714286, 0.14285714285714285}, 1e-6));
  CHECK(solve(ones({2, 1, 1}), ones({1, 3})).shape() == Shape{2, 1, 3});
  CHECK(near(cholesky(tensor({{4.0, 2.0}, {2.0, 5.0}})), {2, 0, 1, 2}, 1e-6));
  CHECK(near(det(zeros({0, 0})), {1}));
  CHECK_THROWS_WITH_AS(inv(zeros({2, 3})), "inv: takes square matrices (…, n, n), got shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(solve(m, zeros({3})), "solve: (2, 2) x = b needs b (n,) or (…, n, m), got (3,)", Error);
  CHECK_THROWS_WITH_AS(cholesky(tensor({{1.0, 2.0}, {2.0, 1.0}})), "cholesky: the matrix is not positive definite",
                       Error);
  CHECK_THROWS_WITH_AS(solve(zeros({2, 2}), zeros({2})), "solve: the matrix is singular", Error);
}
