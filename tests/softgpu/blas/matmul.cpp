#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "blas/epilogue.hpp"
#include "blas/problem.hpp"
#include "runtime/engine.hpp"
#include "runtime/product.hpp"

struct cublasLtContext {
  int device;
};
struct cublasLtMatmulPreferenceOpaque_t {
  std::uint64_t workspace = 0;
  std::array<std::uint32_t, 4> alignment{256, 256, 256, 256};
};

namespace {

using softgpu::Problem;
using softgpu::violation;

/// Every handle that was made and not destroyed: any other is refused.
class Handles {
 public:
  template <class T, class... A>
  T* make(A&&... arguments) {
    auto* made = new T{std::forward<A>(arguments)...};
    const std::lock_guard lock(mutex_);
    live_.insert(made);
    return made;
  }
  bool live(const void* handle) {
    const std::lock_guard lock(mutex_);
    return live_.contains(handle);
  }
  template <class T>
  cublasStatus_t destroy(T* handle, const char* what) {
    {
      const std::lock_guard lock(mutex_);
      if (live_.erase(handle) == 0) {
        violation(std::string(what) + ": not a handle, or one that was destroyed");
        return CUBLAS_STATUS_INVALID_VALUE;
      }
    }
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
  }

 private:
  std::mutex mutex_;
  std::set<const void*> live_;
};

Handles& handles() {
  static Handles& all = *new Handles;
  return all;
}

cublasStatus_t wrong(const char* what, const std::string& why) {
  violation(std::string(what) + ": " + why);
  return CUBLAS_STATUS_INVALID_VALUE;
}

template <class T>
cublasStatus_t take(T& place, const void* value, std::size_t bytes, const char* what) {
  if (value == nullptr || bytes != sizeof place) {
    return wrong(what, "an attribute of " + std::to_string(bytes) + " bytes, it has " + std::to_string(sizeof place));
  }
  std::memcpy(&place, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t take_operation(bool& transposed, const void* value, std::size_t bytes) {
  std::int32_t operation = 0;
  const cublasStatus_t status = take(operation, value, bytes, "cublasLtMatmulDescSetAttribute");
  transposed = operation == CUBLAS_OP_T;
  if (status == CUBLAS_STATUS_SUCCESS && operation != CUBLAS_OP_N && operation != CUBLAS_OP_T)
    return wrong("cublasLtMatmulDescSetAttribute", "an operation that is neither N nor T");
  return status;
}

/// What tells problems apart for an algorithm: it may serve only the one that it was found for.
std::uint64_t fingerprint(const Problem& problem) {
  std::uint64_t hash = 1469598103934665603ULL;
  const auto mix = [&](auto value) { hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211ULL; };
  mix(problem.product.compute);
  mix(problem.product.transpose_a);
  mix(problem.product.transpose_b);
  mix(problem.product.epilogue);
  mix(problem.product.leading_kept);
  for (const auto* layout : {&problem.a, &problem.b, &problem.c, &problem.d}) {
    mix(layout->type);
    mix(layout->rows);
    mix(layout->columns);
    mix(layout->leading);
    mix(layout->batch);
    mix(layout->step);
  }
  return hash;
}

/// Empty, or which rule the problem breaks.
std::string broken_rule(const Problem& p) {
  const std::int64_t a_rows = p.product.transpose_a ? p.k() : p.m(), a_columns = p.product.transpose_a ? p.m() : p.k();
  const std::int64_t b_rows = p.product.transpose_b ? p.n() : p.k(), b_columns = p.product.transpose_b ? p.k() : p.n();
  if (p.a.rows != a_rows || p.a.columns != a_columns) return "A's shape does not go with D's";
  if (p.b.rows != b_rows || p.b.columns != b_columns) return "B's shape does not go with A's and D's";
  if (p.c.rows != p.m() || p.c.columns != p.n()) return "C has another shape than D";
  for (const auto* layout : {&p.a, &p.b, &p.c, &p.d}) {
    if (layout->rows == 0 || layout->columns == 0) return "an empty matrix";
    if (layout->leading < layout->rows) return "a leading dimension below the rows";
    if (layout->batch != p.d.batch) return "batches of different sizes";
    if (layout->type != p.d.type) return "matrices of different types";
  }
  const bool wide = p.product.compute == CUBLAS_COMPUTE_64F;
  if (p.product.scale != (wide ? CUDA_R_64F : CUDA_R_32F)) return "a scale type that does not go with the compute type";
  if (wide != (p.d.type == CUDA_R_64F)) return "a compute type that does not go with the matrices' type";
  if (p.product.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && p.d.type != CUDA_R_32F) return "TF32 for other than float32";
  if (p.d.type != CUDA_R_32F && p.d.type != CUDA_R_64F && p.d.type != CUDA_R_16F && p.d.type != CUDA_R_16BF)
    return "a type of matrix that the software GPU does not know";
  if (p.d.batch > 1 && p.d.step < p.d.leading * (p.n() - 1) + p.m()) return "matrices of the batch of D that overlap";
  return softgpu::broken_rule_of_epilogue(p);
}

std::string gather(Problem& problem, cublasLtHandle_t handle, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                   cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  for (const void* each :
       {static_cast<const void*>(handle), static_cast<const void*>(product), static_cast<const void*>(a),
        static_cast<const void*>(b), static_cast<const void*>(c), static_cast<const void*>(d)})
    if (!handles().live(each)) return "a handle that is none, or was destroyed";
  problem = {*product, *a, *b, *c, *d};
  return broken_rule(problem);
}

/// Bytes from the first element to the last of all matrices.
std::size_t extent(const cublasLtMatrixLayoutOpaque_t& layout) {
  const std::int64_t elements = (layout.batch - 1) * layout.step + (layout.columns - 1) * layout.leading + layout.rows;
  return static_cast<std::size_t>(elements) * softgpu::size_of(layout.type);
}

/// The matrix in the order that product() wants, in the type that is computed in.
template <class T>
std::vector<T> packed(const cublasLtMatrixLayoutOpaque_t& layout, const void* memory, std::int64_t matrix,
                      bool transpose, bool round) {
  std::vector<T> out(static_cast<std::size_t>(layout.rows * layout.columns));
  for (std::int64_t column = 0; column < layout.columns; ++column) {
    for (std::int64_t row = 0; row < layout.rows; ++row) {
      T value = softgpu::load<T>(layout.type, memory, matrix * layout.step + column * layout.leading + row);
      if constexpr (std::is_same_v<T, float>) value = round ? softgpu::tensor_float(value) : value;
      out[static_cast<std::size_t>(transpose ? row * layout.columns + column : column * layout.rows + row)] = value;
    }
  }
  return out;
}

template <class T>
void compute(const Problem& p, T alpha, const void* a, const void* b, T beta, const void* c, void* d) {
  const bool round = p.product.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  std::vector<T> out(static_cast<std::size_t>(p.m() * p.n()));
  for (std::int64_t matrix = 0; matrix < p.d.batch; ++matrix) {
    const std::vector<T> first = packed<T>(p.a, a, matrix, p.product.transpose_a, round);
    const std::vector<T> second = packed<T>(p.b, b, matrix, p.product.transpose_b, round);
    softgpu::product(p.m(), p.n(), p.k(), first.data(), second.data(), out.data());
    const auto each = [&](auto&& change) {
      for (std::int64_t column = 0; column < p.n(); ++column) {
        for (std::int64_t row = 0; row < p.m(); ++row)
          change(row, column, out[static_cast<std::size_t>(column * p.m() + row)]);
      }
    };
    each([&](std::int64_t row, std::int64_t column, T& value) {
      value *= alpha;
      if (beta != T{}) value += beta * softgpu::load<T>(p.c.type, c, matrix * p.c.step + column * p.c.leading + row);
    });
    softgpu::finish(p, out, first);
    each([&](std::int64_t row, std::int64_t column, T value) {
      softgpu::store(p.d.type, d, matrix * p.d.step + column * p.d.leading + row, value);
    });
  }
}

/// What an address is a multiple of, up to 256: heuristics look at the epilogue's pointers.
std::uint32_t alignment_of(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  std::uint32_t alignment = 256;
  while (address % alignment != 0) alignment /= 2;
  return alignment;
}

/// What an algorithm remembers.
struct Algorithm {
  std::uint64_t problem, workspace;
  std::array<std::uint32_t, 6> alignment;  // of A, B, C and D as preferred, of the epilogue's pointers as they were
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

}  // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (softgpu::usable() != cudaSuccess || softgpu::fault("handle")) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = handles().make<cublasLtContext>(softgpu::current_device());
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return handles().destroy(handle, "cublasLtDestroy"); }
const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH: return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "unknown";
}
const char* cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }
std::size_t cublasLtGetVersion() { return 130000; }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* descriptor, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  *descriptor = handles().make<cublasLtMatmulDescOpaque_t>(compute, scale);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t descriptor) {
  return handles().destroy(descriptor, "cublasLtMatmulDescDestroy");
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t descriptor, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
  constexpr const char* what = "cublasLtMatmulDescSetAttribute";
  if (!handles().live(descriptor)) return wrong(what, "not a descriptor, or one that was destroyed");
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return take_operation(descriptor->transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB: return take_operation(descriptor->transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return take(descriptor->epilogue, value, bytes, what);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return take(descriptor->bias, value, bytes, what);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER: return take(descriptor->kept, value, bytes, what);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD: return take(descriptor->leading_kept, value, bytes, what);
  }
  return wrong(what, "an attribute that the software GPU does not know");
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t leading) {
  *layout = handles().make<cublasLtMatrixLayoutOpaque_t>(type, static_cast<std::int64_t>(rows),
                                                         static_cast<std::int64_t>(columns), leading);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return handles().destroy(layout, "cublasLtMatrixLayoutDestroy");
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                std::size_t bytes) {
  constexpr const char* what = "cublasLtMatrixLayoutSetAttribute";
  if (!handles().live(layout)) return wrong(what, "not a layout, or one that was destroyed");
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT: return take(layout->batch, value, bytes, what);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET: return take(layout->step, value, bytes, what);
  }
  return wrong(what, "an attribute that the software GPU does not know");
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = handles().make<cublasLtMatmulPreferenceOpaque_t>();
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return handles().destroy(preference, "cublasLtMatmulPreferenceDestroy");
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    std::size_t bytes) {
  constexpr const char* what = "cublasLtMatmulPreferenceSetAttribute";
  if (!handles().live(preference)) return wrong(what, "not a preference, or one that was destroyed");
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return take(preference->workspace, value, bytes, what);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: return take(preference->alignment[0], value, bytes, what);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: return take(preference->alignment[1], value, bytes, what);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: return take(preference->alignment[2], value, bytes, what);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: return take(preference->alignment[3], value, bytes, what);
  }
  return wrong(what, "an attribute that the software GPU does not know");
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* number) {
  constexpr const char* what = "cublasLtMatmulAlgoGetHeuristic";
  *number = 0;
  Problem problem{};
  if (const std::string rule = gather(problem, handle, product, a, b, c, d); !rule.empty()) return wrong(what, rule);
  if (wanted < 1 || results == nullptr || !handles().live(preference)) return wrong(what, "no preference or no room");
  if (softgpu::fault("heuristic")) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (softgpu::epilogue_missing(problem)) return CUBLAS_STATUS_NOT_SUPPORTED;
  // The first algorithm wants workspace where it is allowed any; the others want less.
  for (std::uint64_t id = 0; id < 3 && *number < wanted; ++id) {
    const std::uint64_t workspace = std::array<std::uint64_t, 3>{4096 + 8, 1024, 0}[id];
    if (workspace > preference->workspace) continue;
    const auto& matrices = preference->alignment;
    const Algorithm algorithm{fingerprint(problem),
                              workspace,
                              {matrices[0], matrices[1], matrices[2], matrices[3], alignment_of(problem.product.bias),
                               alignment_of(problem.product.kept)}};
    cublasLtMatmulHeuristicResult_t& result = results[(*number)++];
    result = {};
    std::memcpy(&result.algo, &algorithm, sizeof algorithm);
    result.workspaceSize = workspace;
    result.wavesCount = 1.0F;
  }
  return *number > 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                              std::size_t workspace_bytes, cudaStream_t stream) {
  constexpr const char* what = "cublasLtMatmul";
  softgpu::count("matmuls");
  Problem problem{};
  if (const std::string rule = gather(problem, handle, product, a_layout, b_layout, c_layout, d_layout); !rule.empty())
    return wrong(what, rule);
  if (softgpu::fault("matmul")) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (alpha == nullptr || beta == nullptr) return wrong(what, "no alpha or no beta");
  if (algorithm == nullptr) return wrong(what, "no algorithm");
  Algorithm chosen{};
  std::memcpy(&chosen, algorithm, sizeof chosen);
  if (chosen.problem != fingerprint(problem)) return wrong(what, "an algorithm that was found for another problem");
  if (workspace_bytes < chosen.workspace || (chosen.workspace > 0 && workspace == nullptr))
    return wrong(what, "less workspace than the algorithm needs");
  if (reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0)
    return wrong(what, "a workspace not aligned to 256 bytes");
  if (handle->device != softgpu::current_device()) return wrong(what, "a handle of another device than the current");
  const std::array<const void*, 6> pointers{a, b, c, d, problem.product.bias, problem.product.kept};
  constexpr std::array names{"matrix A", "matrix B", "matrix C", "matrix D", "the vector", "the auxiliary buffer"};
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    if (reinterpret_cast<std::uintptr_t>(pointers[i]) % chosen.alignment[i] != 0)
      return wrong(what, std::string(names[i]) + " is aligned to less than was said");
  }
  if (problem.product.kept == d) return wrong(what, "D is its own auxiliary buffer");
  const bool wide = problem.d.type == CUDA_R_64F;
  const double factor =
      wide ? *static_cast<const double*>(alpha) : static_cast<double>(*static_cast<const float*>(alpha));
  const double kept = wide ? *static_cast<const double*>(beta) : static_cast<double>(*static_cast<const float*>(beta));

  std::vector<softgpu::Use> uses{softgpu::reads(a, extent(problem.a)), softgpu::reads(b, extent(problem.b)),
                                 softgpu::writes(d, extent(problem.d))};
  if (kept != 0.0) uses.push_back(softgpu::reads(c, extent(problem.c)));
  if (c == d && (problem.c.leading != problem.d.leading || problem.c.step != problem.d.step))
    return wrong(what, "C and D are one place with different layouts");
  if (workspace_bytes > 0 && workspace != nullptr) uses.push_back(softgpu::writes(workspace, workspace_bytes));
  for (const softgpu::Use& use : softgpu::uses_of_epilogue(problem)) uses.push_back(use);
  const cudaError_t error = softgpu::enqueue(stream, what, uses, [=] {
    if (chosen.workspace > 0) std::memset(workspace, 0x5A, chosen.workspace);
    if (wide)
      compute<double>(problem, factor, a, b, kept, c, d);
    else
      compute<float>(problem, static_cast<float>(factor), a, b, static_cast<float>(kept), c, d);
  });
  if (error != cudaSuccess) cudaGetLastError();
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
}
