#include "backend/cuda/gemm.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string>

#include <nyala/backend.hpp>
#include <nyala/error.hpp>

#include "backend/cuda/lru_cache.hpp"

namespace nyala::backend::cuda {
namespace {

constexpr std::uint64_t most_workspace = std::uint64_t{32} << 20;
constexpr int most_algorithms = 4;

/// A descriptor of cuBLASLt that frees itself.
template <class Handle, cublasStatus_t (*destroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (handle_ != nullptr) destroy(handle_);
  }
  Handle* receive() { return &handle_; }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};

using Product = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

cudaDataType_t blas_type(DType dtype) {
  switch (dtype) {
    case DType::float64: return CUDA_R_64F;
    case DType::float16: return CUDA_R_16F;
    case DType::bfloat16: return CUDA_R_16BF;
    default: return CUDA_R_32F;
  }
}

cublasLtEpilogue_t blas_epilogue(const Epilogue& epilogue) {
  const bool vector = epilogue.vector != nullptr, kept = epilogue.kept != nullptr;
  switch (epilogue.finish) {
    case Finish::plain: return vector ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    case Finish::relu:
      if (kept) return vector ? CUBLASLT_EPILOGUE_RELU_AUX_BIAS : CUBLASLT_EPILOGUE_RELU_AUX;
      return vector ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
    case Finish::gelu:
      if (kept) return vector ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
      return vector ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
    case Finish::relu_gradient: return vector ? CUBLASLT_EPILOGUE_DRELU_BGRAD : CUBLASLT_EPILOGUE_DRELU;
    case Finish::gelu_gradient: return vector ? CUBLASLT_EPILOGUE_DGELU_BGRAD : CUBLASLT_EPILOGUE_DGELU;
    case Finish::sums_of_b: return CUBLASLT_EPILOGUE_BGRADA;
  }
  return CUBLASLT_EPILOGUE_DEFAULT;
}

/// What the address is a multiple of, as far as algorithms ask.
std::uint32_t alignment_of(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  std::uint32_t alignment = 256;
  while (address % alignment != 0) alignment /= 2;
  return alignment;
}

class Layout {
 public:
  /// Column-major, as cuBLASLt has it: `rows` adjoin in memory.
  Layout(cudaDataType_t type, std::int64_t rows, std::int64_t columns, std::int64_t leading, std::int64_t batch,
         std::int64_t step) {
    check(cublasLtMatrixLayoutCreate(layout_.receive(), type, static_cast<std::uint64_t>(rows),
                                     static_cast<std::uint64_t>(columns), leading),
          "matmul: cublasLtMatrixLayoutCreate");
    if (batch == 1) return;
    const auto count = static_cast<std::int32_t>(batch);
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, count);
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, step);
  }
  cublasLtMatrixLayout_t get() const { return layout_.get(); }

 private:
  template <class T>
  void set(cublasLtMatrixLayoutAttribute_t attribute, const T& value) {
    check(cublasLtMatrixLayoutSetAttribute(layout_.get(), attribute, &value, sizeof value),
          "matmul: cublasLtMatrixLayoutSetAttribute");
  }
  Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy> layout_;
};

/// Descriptors of a product: row-major matrices are the transposed column-major ones, so that b comes first.
class ProductPlan {
 public:
  ProductPlan(DType dtype, const Gemm& g)
      : type_(blas_type(dtype)),
        first_(type_, g.transpose_b ? g.k : g.n, g.transpose_b ? g.n : g.k, g.leading_b, g.batch, g.step_b),
        second_(type_, g.transpose_a ? g.m : g.k, g.transpose_a ? g.k : g.m, g.leading_a, g.batch, g.step_a),
        out_(type_, g.n, g.m, g.leading_out, g.batch, g.step_out),
        fused_(g.epilogue.any()) {
    const bool wide = dtype == DType::float64;
    const bool rounded = dtype == DType::float32 && tensor_float_32_execution_enabled();
    const cublasComputeType_t compute = wide      ? CUBLAS_COMPUTE_64F
                                        : rounded ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                  : CUBLAS_COMPUTE_32F;
    check(cublasLtMatmulDescCreate(product_.receive(), compute, wide ? CUDA_R_64F : CUDA_R_32F),
          "matmul: cublasLtMatmulDescCreate");
    set(CUBLASLT_MATMUL_DESC_TRANSA, g.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, g.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (fused_) set(CUBLASLT_MATMUL_DESC_EPILOGUE, blas_epilogue(g.epilogue));
    if (g.epilogue.vector != nullptr) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, g.epilogue.vector);
    if (g.epilogue.kept != nullptr) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, g.epilogue.kept);
      set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, g.epilogue.leading_kept);
    }
  }

  using Algorithms = std::vector<cublasLtMatmulHeuristicResult_t>;
  Algorithms algorithms(cublasLtHandle_t handle, const std::array<std::uint32_t, 3>& alignments) const {
    Preference preference;
    check(cublasLtMatmulPreferenceCreate(preference.receive()), "matmul: cublasLtMatmulPreferenceCreate");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check(cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof value),
            "matmul: cublasLtMatmulPreferenceSetAttribute");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most_workspace);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignments[0]);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignments[1]);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignments[2]);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignments[2]);
    Algorithms results(most_algorithms);
    int count = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, product_.get(), first_.get(), second_.get(), out_.get(), out_.get(),
                                       preference.get(), most_algorithms, results.data(), &count);
    // Which epilogues go with which types the documentation leaves partly open: either answer is a no.
    if (status == CUBLAS_STATUS_NOT_SUPPORTED || (fused_ && status == CUBLAS_STATUS_INVALID_VALUE)) return {};
    check(status, "matmul: cublasLtMatmulAlgoGetHeuristic");
    results.resize(static_cast<std::size_t>(count));
    return results;
  }

  cublasStatus_t run(Context& context, bool add, const void* a, const void* b, void* out,
                     const cublasLtMatmulHeuristicResult_t& algorithm) const {
    const float one = 1.0F, zero = 0.0F;
    const double wide_one = 1.0, wide_zero = 0.0;
    const bool wide = type_ == CUDA_R_64F;
    const void* alpha = wide ? static_cast<const void*>(&wide_one) : &one;
    const void* nothing = wide ? static_cast<const void*>(&wide_zero) : &zero;
    const cudaStream_t stream = context.stream();
    const Scratch workspace = context.scratch(algorithm.workspaceSize);
    return cublasLtMatmul(context.blas(), product_.get(), alpha, b, first_.get(), a, second_.get(),
                          add ? alpha : nothing, out, out_.get(), out, out_.get(), &algorithm.algo, workspace.data(),
                          algorithm.workspaceSize, stream);
  }

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    check(cublasLtMatmulDescSetAttribute(product_.get(), attribute, &value, sizeof value),
          "matmul: cublasLtMatmulDescSetAttribute");
  }

  cudaDataType_t type_;
  Layout first_, second_, out_;
  bool fused_;
  Product product_;
};

/// Which algorithms do for a product is found once. Guarded: any thread may compute.
ProductPlan::Algorithms known_algorithms(Context& context, const ProductPlan& plan, DType dtype, const Gemm& g,
                                         const std::array<std::uint32_t, 3>& alignments) {
  static std::mutex mutex;
  static LruCache<ProductPlan::Algorithms>& cache = *new LruCache<ProductPlan::Algorithms>(1024);
  const PlanKey key{context.index(),
                    static_cast<std::int64_t>(dtype),
                    tensor_float_32_execution_enabled(),
                    g.transpose_a,
                    g.transpose_b,
                    g.m,
                    g.n,
                    g.k,
                    g.leading_a,
                    g.leading_b,
                    g.leading_out,
                    g.batch,
                    g.step_a,
                    g.step_b,
                    g.step_out,
                    static_cast<std::int64_t>(g.epilogue.any() ? blas_epilogue(g.epilogue) : 0),
                    g.epilogue.leading_kept,
                    alignment_of(g.epilogue.vector),
                    alignment_of(g.epilogue.kept),
                    alignments[0],
                    alignments[1],
                    alignments[2]};
  const std::lock_guard lock(mutex);
  return cache.get(key, [&] { return plan.algorithms(context.blas(), alignments); });
}

}  // namespace

bool try_gemm(Context& context, DType dtype, const Gemm& g, const void* a, const void* b, void* out) {
  const ProductPlan plan(dtype, g);
  const ProductPlan::Algorithms algorithms =
      known_algorithms(context, plan, dtype, g, {alignment_of(b), alignment_of(a), alignment_of(out)});
  for (const cublasLtMatmulHeuristicResult_t& algorithm : algorithms) {
    const cublasStatus_t status = plan.run(context, g.add, a, b, out, algorithm);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) continue;
    check(status, "matmul: cublasLtMatmul");
    return true;
  }
  if (g.epilogue.any()) return false;
  throw Error("matmul: cuBLASLt has no algorithm for " + std::string(name_of(dtype)) + " (" + std::to_string(g.m) +
              ", " + std::to_string(g.k) + ") x (" + std::to_string(g.k) + ", " + std::to_string(g.n) + ")");
}

void gemm(Context& context, DType dtype, const Gemm& g, const void* a, const void* b, void* out) {
  static_cast<void>(try_gemm(context, dtype, g, a, b, out));
}

}  // namespace nyala::backend::cuda
