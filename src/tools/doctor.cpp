// nyala-doctor: what this installation of Nyala has found, with a verdict on each line.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include <nyala/nyala.hpp>

#include "backend/gpu_module.hpp"
#include "core/byte_text.hpp"

namespace {

using namespace nyala;

enum class Verdict { good, note, fault };

class Report {
 public:
  void line(Verdict verdict, const std::string& what, const std::string& found) {
    const char* const words[] = {"ok", "note", "fault"};
    std::printf("[%5s] %-10s %s\n", words[static_cast<int>(verdict)], what.c_str(), found.c_str());
    faults_ += verdict == Verdict::fault;
  }
  int faults() const { return faults_; }

 private:
  int faults_ = 0;
};

/// A value of /proc/cpuinfo.
std::string cpu_info(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && line.compare(0, key.size(), key) == 0) return line.substr(colon + 2);
  }
  return {};
}

std::string instruction_sets() {
  const std::string flags = " " + cpu_info("flags") + " ";
  std::string found;
  for (const char* name : {"sse4_2", "avx2", "fma", "f16c", "avx512f", "avx512_bf16", "amx_bf16"}) {
    if (flags.find(std::string(" ") + name + " ") != std::string::npos)
      found += (found.empty() ? "" : " ") + std::string(name);
  }
  return found;
}

template <class Function>
Function function_named(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

void report_cpu(Report& report) {
  report.line(Verdict::good, "processor", cpu_info("model name") + "; " + instruction_sets());
  const std::string kernels = cpu_kernels();
  const bool fast = kernels != "reference";
  report.line(fast ? Verdict::good : Verdict::note, "kernels",
              kernels + (fast ? "" : " (slow; NYALA_CPU_KERNELS or the build chose them)"));
  report.line(Verdict::good, "threads", std::to_string(num_threads()));
  struct Version {
    int major, minor, patch;
  };
  if (const auto version = function_named<const Version* (*)()>("dnnl_version")) {
    const Version& v = *version();
    report.line(Verdict::good, "oneDNN",
                std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch));
  } else {
    report.line(Verdict::note, "oneDNN", "not in this build: convolutions are slower (Debian: libdnnl-dev)");
  }
  const auto config = function_named<const char* (*)()>("openblas_get_config");
  const auto core = function_named<const char* (*)()>("openblas_get_corename");
  if (config == nullptr || core == nullptr) {
    report.line(Verdict::note, "BLAS", "not OpenBLAS; decompositions and float64 products depend on it");
    return;
  }
  const bool oldest = std::strcmp(core(), "Prescott") == 0 && instruction_sets().find("avx2") != std::string::npos;
  report.line(oldest ? Verdict::note : Verdict::good, "BLAS",
              std::string(config()) + ", core " + core() +
                  (oldest ? " (it does not know this processor; OPENBLAS_CORETYPE=Haswell helps)" : ""));
}

/// Whether a device computes what the CPU does.
std::string trial(const Device& device) {
  const Tensor a = reshape(arange(0.0, 96.0, 1.0, DType::float32), {8, 12}) / 96.0;
  const Tensor there = a.to(device);
  const double expected = sum(matmul(a, a, false, true)).item<double>();
  const double got = sum(matmul(there, there, false, true)).item<double>();
  std::ostringstream wrong;
  if (!(std::abs(got - expected) <= 1e-3 * std::abs(expected)))
    wrong << "a product gives " << got << ", not " << expected;
  return wrong.str();
}

void report_gpus(Report& report) {
  const backend::GpuModule& module = backend::gpu_module();
  if (module.backend == nullptr) {
    report.line(module.path.empty() ? Verdict::note : Verdict::fault, "GPU module", module.why);
    return;
  }
  report.line(Verdict::good, "GPU module", module.path);
  std::istringstream versions(module.backend->versions());
  for (std::string line; std::getline(versions, line);) report.line(Verdict::good, "", line);
  if (!module.why.empty()) {
    report.line(Verdict::fault, "GPU", module.why);
    return;
  }
  for (int index = 0; index < module.backend->device_count(); ++index) {
    const Device device(Device::Kind::gpu, index);
    std::string problem;
    try {
      problem = trial(device);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    report.line(problem.empty() ? Verdict::good : Verdict::fault, device.name(),
                module.backend->describe_device(index) + (problem.empty() ? "; works" : "; " + problem));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool want_gpu = argc == 2 && std::strcmp(argv[1], "--gpu") == 0;
  if (argc > 1 && !want_gpu) {
    std::fprintf(stderr,
                 "usage: nyala-doctor [--gpu]\nSays what Nyala finds on this machine. Exits with 1 if something is "
                 "broken; with --gpu also if no GPU works.\n");
    return 2;
  }
  try {
    Report report;
    report.line(Verdict::good, "Nyala", NYALA_VERSION);
    report_cpu(report);
    report_gpus(report);
    if (report.faults() != 0) return 1;
    return want_gpu && devices().size() < 2 ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nyala-doctor: %s\n", error.what());
    return 1;
  }
}
