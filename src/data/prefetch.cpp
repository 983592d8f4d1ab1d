#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "core/device_memory.hpp"
#include "data/source.hpp"

namespace nyala::detail {
namespace {

class Prefetched final : public Dataset::Iterator {
 public:
  Prefetched(std::unique_ptr<Dataset::Iterator> from, std::size_t buffer_size)
      : from_(std::move(from)), buffer_size_(buffer_size), thread_([this] { run(); }) {}

  ~Prefetched() override {
    {
      const std::scoped_lock guard(mutex_);
      stop_ = true;
    }
    room_.notify_one();
    thread_.join();
  }

  bool next(Batch& element) override {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return !buffer_.empty() || ended_; });
    if (!buffer_.empty()) {
      element = std::move(buffer_.front());
      buffer_.pop_front();
      lock.unlock();
      room_.notify_one();
      return true;
    }
    if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
    return false;
  }

 private:
  void run() {
    const HostScope host;
    std::exception_ptr failure;
    try {
      while (wait_for_room()) {
        Batch made;
        if (!from_->next(made)) break;
        {
          const std::scoped_lock guard(mutex_);
          buffer_.push_back(std::move(made));
        }
        ready_.notify_one();
      }
    } catch (...) {
      failure = std::current_exception();
    }
    {
      const std::scoped_lock guard(mutex_);
      failure_ = std::move(failure);
      ended_ = true;
    }
    ready_.notify_one();
  }

  bool wait_for_room() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return stop_ || buffer_.size() < buffer_size_; });
    return !stop_;
  }

  std::unique_ptr<Dataset::Iterator> from_;
  std::size_t buffer_size_;
  std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::deque<Batch> buffer_;
  std::exception_ptr failure_;
  bool stop_ = false, ended_ = false;
  std::thread thread_;  // last: it uses all of the above
};

class Prefetch final : public Dataset::Source {
 public:
  Prefetch(Sources from, std::size_t buffer_size) : from_(std::move(from)), buffer_size_(buffer_size) {}
  std::unique_ptr<Dataset::Iterator> elements(const Pass& pass) const override {
    return std::make_unique<Prefetched>(from_->elements(pass), buffer_size_);
  }
  std::optional<std::int64_t> cardinality() const override { return from_->cardinality(); }

 private:
  Sources from_;
  std::size_t buffer_size_;
};

}  // namespace

Sources prefetch_source(Sources from, std::size_t buffer_size) {
  return std::make_shared<Prefetch>(std::move(from), buffer_size);
}

}  // namespace nyala::detail
