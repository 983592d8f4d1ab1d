#pragma once

#include <string>
#include <vector>

namespace nyala {

/// Where a tensor lives: "cpu", "gpu" (the first), "gpu:1".
class Device {
 public:
  enum class Kind : unsigned char { cpu, gpu };

  Device() = default;
  /// Throws Error for a name of another form. Whether the device works is asked when it is first used.
  Device(const char* name);
  Device(const std::string& name);
  Device(Kind kind, int index) : kind_(kind), index_(index) {}

  Kind kind() const { return kind_; }
  int index() const { return index_; }
  std::string name() const;
  bool operator==(const Device&) const = default;

 private:
  Kind kind_ = Kind::cpu;
  int index_ = 0;
};

/// The devices that work here; the CPU comes first.
std::vector<Device> devices();
/// Where tensors and weights are made from now on, in all threads. Throws Error, saying why, for a device that does not
/// work here: no GPU module built or found, cuDNN or the driver missing or too old, no such device.
void set_default_device(const Device& device);
Device default_device();
/// Waits until a device has done all that it was asked for; nothing to wait for on the CPU. Throws Error for what went
/// wrong there meanwhile. Reading a tensor's values waits by itself.
void synchronize(const Device& device = default_device());

}  // namespace nyala
