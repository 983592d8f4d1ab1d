#include <nyala/ref.hpp>

#include <atomic>
#include <utility>

namespace nyala::detail {

struct RefHandle::Data {
  std::atomic<int> holders{1};
  std::string name;
  std::shared_ptr<void> object, callable;
};

RefHandle RefHandle::of_name(const char* name) { return of_name(std::string(name == nullptr ? "" : name)); }

RefHandle RefHandle::of_name(const std::string& name) {
  RefHandle handle;
  if (name.empty()) return handle;
  handle.data_ = new Data;
  handle.data_->name = name;
  return handle;
}

RefHandle RefHandle::of_object(std::shared_ptr<void> object) {
  RefHandle handle;
  handle.data_ = new Data;
  handle.data_->object = std::move(object);
  return handle;
}

RefHandle RefHandle::of_callable(std::shared_ptr<void> callable) {
  RefHandle handle;
  handle.data_ = new Data;
  handle.data_->callable = std::move(callable);
  return handle;
}

RefHandle::RefHandle(const RefHandle& other) : data_(other.data_) {
  if (data_ != nullptr) data_->holders.fetch_add(1, std::memory_order_relaxed);
}

RefHandle& RefHandle::operator=(const RefHandle& other) {
  RefHandle copy(other);
  std::swap(data_, copy.data_);
  return *this;
}

RefHandle& RefHandle::operator=(RefHandle&& other) noexcept {
  std::swap(data_, other.data_);
  return *this;
}

RefHandle::~RefHandle() {
  if (data_ != nullptr && data_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete data_;
}

const std::string& RefHandle::name() const {
  static const std::string none;
  return data_ == nullptr ? none : data_->name;
}

const std::shared_ptr<void>& RefHandle::object() const {
  static const std::shared_ptr<void> none;
  return data_ == nullptr ? none : data_->object;
}

const std::shared_ptr<void>& RefHandle::callable() const {
  static const std::shared_ptr<void> none;
  return data_ == nullptr ? none : data_->callable;
}

}  // namespace nyala::detail
