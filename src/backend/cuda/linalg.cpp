#include <deque>
#include <utility>

#include "backend/cuda/cuda_kernels.hpp"

namespace nyala::backend::cuda {
namespace {

// Decompositions run on the CPU: the operands come to the host, which waits for the device, and the results go back.
// They are small and rare in what networks do, branch with the data, and so have the CPU's numbers and errors exactly.

class OnHost {
 public:
  explicit OnHost(Context& context) : context_(context) {}

  Tensor in(const Tensor& x) const {
    Tensor here = Tensor::empty(x.shape(), x.dtype(), Device());
    if (x.bytes() > 0) context_.download(here.raw_data(), x.raw_data(), x.bytes());
    return here;
  }
  Tensor& out(Tensor& y) {
    outputs_.emplace_back(&y, Tensor::empty(y.shape(), y.dtype(), Device()));
    return outputs_.back().second;
  }
  Kernels& kernels() const { return kernels_for(Device()); }
  void finish() const {
    for (const auto& [there, here] : outputs_)
      if (here.bytes() > 0) context_.upload(there->raw_data(), here.raw_data(), here.bytes());
  }

 private:
  Context& context_;
  std::deque<std::pair<Tensor*, Tensor>> outputs_;
};

}  // namespace

void CudaKernels::qr(const Tensor& x, bool complete, Tensor& q, Tensor& r) {
  OnHost host(context_);
  host.kernels().qr(host.in(x), complete, host.out(q), host.out(r));
  host.finish();
}

void CudaKernels::svd(const Tensor& x, bool full_matrices, Tensor& u, Tensor& s, Tensor& vh) {
  OnHost host(context_);
  host.kernels().svd(host.in(x), full_matrices, host.out(u), host.out(s), host.out(vh));
  host.finish();
}

void CudaKernels::cholesky(const Tensor& x, Tensor& out) {
  OnHost host(context_);
  host.kernels().cholesky(host.in(x), host.out(out));
  host.finish();
}

void CudaKernels::solve(const Tensor& a, const Tensor& b, Tensor& x) {
  OnHost host(context_);
  host.kernels().solve(host.in(a), host.in(b), host.out(x));
  host.finish();
}

void CudaKernels::determinant(const Tensor& x, Tensor& out) {
  OnHost host(context_);
  host.kernels().determinant(host.in(x), host.out(out));
  host.finish();
}

}  // namespace nyala::backend::cuda
