#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

// What a program says and does when the GPU cannot be used, and that a training run does not depend on how late the
// streams are: the probe, run with other environments.

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE_MESSAGE(value != nullptr, name);
  return value;
}

std::string probe(const std::string& environment, const std::string& arguments = "") {
  const std::string command =
      "env " + environment + " '" + variable("NYALA_SOFTGPU_PROBE") + "' " + arguments + " 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  REQUIRE(pipe != nullptr);
  std::string text;
  char part[4096];
  while (const std::size_t count = std::fread(part, 1, sizeof part, pipe.get())) text.append(part, count);
  return text;
}

bool says(const std::string& text, const char* part) {
  INFO("it said: ", text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every reason why there is no GPU is told") {
  says(probe("NYALA_SOFTGPU_DRIVER=0"), "no NVIDIA driver is installed");
  says(probe("NYALA_SOFTGPU_DRIVER=12040"), "driver is too old: it supports CUDA 12.4");
  says(probe("NYALA_SOFTGPU_DEVICES=0"), "no NVIDIA GPU");
  says(probe("NYALA_SOFTGPU_CUDNN=8907"), "needs cuDNN 9");
  says(probe("NYALA_CUDA_MODULE=/nowhere/libnyala_cuda.so"), "no file /nowhere/libnyala_cuda.so");
  says(probe("NYALA_CUDA_MODULE=/bin/true"), "cannot be loaded");
  for (const char* environment : {"NYALA_SOFTGPU_DRIVER=0", "NYALA_SOFTGPU_DEVICES=0"}) {
    const std::string text = probe(environment);
    says(text, "device: cpu\n");
    says(text, "error: ");
    CHECK(text.find("device: gpu") == std::string::npos);
  }
}

TEST_CASE("a module without its cuDNN names the missing library") {
  const std::filesystem::path module = variable("NYALA_CUDA_MODULE"),
                              folder = std::filesystem::temp_directory_path() /
                                       ("nyala_softgpu_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::filesystem::path alone = folder / module.filename();
  std::filesystem::copy_file(module, alone);
  // The copy finds its libraries beside the original no more: its search path starts with its own folder only.
  const std::string text = probe("NYALA_CUDA_MODULE='" + alone.string() + "'");
  says(text, "cannot be loaded");
  says(text, "cannot open shared object file");
  std::filesystem::remove_all(folder);
}

TEST_CASE("one device, two devices") {
  CHECK(probe("NYALA_SOFTGPU_DEVICES=1") == "device: cpu\ndevice: gpu\ndefault device: gpu\n");
  says(probe("NYALA_SOFTGPU_DEVICES=1", "list gpu:1"), "there is no such GPU; the devices are: cpu, gpu");
  CHECK(probe("NYALA_SOFTGPU_DEVICES=2", "list gpu:1") ==
        "device: cpu\ndevice: gpu\ndevice: gpu:1\ndefault device: gpu:1\n");
}

TEST_CASE("a lost device is an error that says so") {
  const std::string text = probe("NYALA_SOFTGPU_FAULTS=illegal_address:300", "train");
  says(text, "error: ");
  says(text, "cudaErrorIllegalAddress");
  says(text, "must be started again");
}

TEST_CASE("training gives the same bits however late the streams are, on either device") {
  const std::string first = probe("NYALA_SOFTGPU_SEED=1", "train");
  says(first, "loss");
  CHECK(first.find("error") == std::string::npos);
  CHECK(probe("NYALA_SOFTGPU_SEED=2", "train") == first);
  CHECK(probe("NYALA_SOFTGPU_DELAY=none", "train") == first);
  CHECK(probe("NYALA_SOFTGPU_SEED=3 NYALA_SOFTGPU_DELAY=random", "train") == first);
  std::string second = probe("NYALA_SOFTGPU_DEVICES=2", "train gpu:1");
  CHECK(second.substr(second.find("loss")) == first.substr(first.find("loss")));
}
