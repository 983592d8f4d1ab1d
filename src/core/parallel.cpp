#include "core/parallel.hpp"

#include <atomic>
#include <bit>
#include <climits>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <nyala/error.hpp>

#include "core/futex.hpp"
#include "core/processors.hpp"
#include "core/signals_blocked.hpp"
#include "core/spin_lock.hpp"
#include "core/spin_wait.hpp"
#include "core/subnormals.hpp"

// From g++'s OpenMP runtime, which is the one that oneDNN uses; clang finds no <omp.h> for it.
extern "C" {
void omp_set_num_threads(int count) noexcept;
int omp_get_max_threads() noexcept;
}

namespace nyala::detail {
namespace {

constinit thread_local bool inside_parallel = false;

/// One job at a time: at most 64 chunks, a bit each in `claimed_`. Workers join a job while it is open; its caller
/// closes it when no chunk is left and waits only for those that joined. So a worker that the scheduler keeps away
/// costs nothing.
class ThreadPool {
 public:
  static ThreadPool& instance() {
    static auto* const pool = new ThreadPool;
    return *pool;
  }

  int threads() {
    const int known = threads_.load(std::memory_order_relaxed);
    if (known != 0) return known;
    const char* variable = std::getenv("NYALA_NUM_THREADS");
    const int found = variable != nullptr ? parse_thread_count(variable, "NYALA_NUM_THREADS") : available_processors();
    int none = 0;
    return threads_.compare_exchange_strong(none, found) ? found : none;
  }

  void set_threads(int count) {
    const std::scoped_lock guard(caller_);
    stop_workers();
    threads_.store(count);
  }

  void run(std::int64_t count, FunctionRef<void(std::int64_t)> fn) {
    if (count > 1 && !inside_parallel && threads() > 1) {
      const std::unique_lock guard(caller_, std::try_to_lock);
      if (guard.owns_lock() && start_workers()) {
        run_job(count, fn);
        return;
      }
    }
    for (std::int64_t chunk = 0; chunk < count; ++chunk) fn(chunk);
  }

  void shut_down() {
    if (inside_parallel) return;  // exit() was called in a job: it cannot wait for itself
    const std::scoped_lock guard(caller_);
    closed_ = true;
    stop_workers();
  }

 private:
  static constexpr std::uint64_t open_bit = 1, one_active = 2, active_mask = 0xfffffffe;
  static constexpr int epoch_shift = 32;

  void run_job(std::int64_t count, FunctionRef<void(std::int64_t)> fn) {
    const OnThisThread inside;
    fn_ = &fn;
    count_ = count;
    mode_ = float_mode();
    claimed_.store(count == Chunks::most ? 0 : ~std::uint64_t{0} << count, std::memory_order_relaxed);
    ++epoch_;
    control_.store(epoch_ << epoch_shift | open_bit);
    wake_.fetch_add(1);
    if (const auto sleepers = static_cast<std::int64_t>(sleepers_.load()); sleepers > 0) {
      if (called_.load() == 0) called_.store(SpinWait::nanoseconds());
      futex_wake(wake_, static_cast<int>(std::min(sleepers, count - 1)));
    }

    work(0);
    control_.fetch_and(~open_bit);
    wait_for_workers();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  void wait_for_workers() {
    const auto left = [this] { return (control_.load() & active_mask) == 0; };
    if (may_spin_ ? caller_spin_(busy_until_, left) : left()) return;
    caller_sleeps_.store(true);
    for (;;) {
      const std::uint32_t seen = done_.load();
      if (left()) break;
      futex_wait(done_, seen);
    }
    caller_sleeps_.store(false);
    caller_spin_.slept_until(finished_.load());
  }

  void work(std::int64_t slot) {
    const std::int64_t first = slot * count_ / slots_, last = (slot + 1) * count_ / slots_;
    const std::uint64_t own = bits_below(last) & ~bits_below(first);
    for (std::int64_t chunk = claim(own); chunk >= 0; chunk = claim(own)) {
      try {
        (*fn_)(chunk);
      } catch (...) {
        const std::scoped_lock guard(error_lock_);
        if (!error_ || chunk < error_chunk_) {
          error_ = std::current_exception();
          error_chunk_ = chunk;
        }
        claimed_.store(~std::uint64_t{0}, std::memory_order_relaxed);
      }
    }
  }

  static std::uint64_t bits_below(std::int64_t bit) {
    return bit >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bit) - 1;
  }

  // Each thread begins with chunks of its own, the same in every job of that length, as their data may still be in its
  // cache; then it helps the others from their far end.
  std::int64_t claim(std::uint64_t own) {
    for (;;) {
      const std::uint64_t free = ~claimed_.load(std::memory_order_relaxed);
      if (free == 0) return -1;
      const int chunk = (free & own) != 0 ? std::countr_zero(free & own) : 63 - std::countl_zero(free);
      const std::uint64_t bit = std::uint64_t{1} << chunk;
      if ((claimed_.fetch_or(bit, std::memory_order_relaxed) & bit) == 0) return chunk;
    }
  }

  bool start_workers() {
    if (!workers_.empty()) return true;
    if (closed_) return false;
    static const struct AtExit {
      ~AtExit() { instance().shut_down(); }
    } at_exit;
    const int wanted = threads() - 1;
    slots_ = wanted + 1;
    may_spin_ = slots_ <= available_processors();
    const SignalsBlocked blocked;
    try {
      workers_.reserve(static_cast<std::size_t>(wanted));
      for (int slot = 1; slot <= wanted; ++slot) workers_.emplace_back([this, slot] { worker(slot); });
    } catch (const std::system_error&) {
      return !workers_.empty();  // with as many as the system gave
    }
    return true;
  }

  void stop_workers() {
    stop_.store(true);
    wake_.fetch_add(1);
    futex_wake(wake_, INT_MAX);
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stop_.store(false);
  }

  void worker(int slot) {
    inside_parallel = true;
    omp_set_num_threads(1);
    prefer_short_turns();
    SpinWait spin;
    std::uint64_t last_epoch = 0;
    const auto news = [&] {
      const std::uint64_t control = control_.load();
      return stop_.load() || ((control & open_bit) != 0 && control >> epoch_shift != last_epoch);
    };
    for (;;) {
      if (may_spin_) spin(busy_until_, news);
      if (sleep_unless(news)) spin.slept_until(called_.load());
      if (stop_.load()) return;
      std::uint64_t control = control_.load();
      while ((control & open_bit) != 0 && control >> epoch_shift != last_epoch) {
        if (!control_.compare_exchange_weak(control, control + one_active)) continue;
        last_epoch = control >> epoch_shift;
        set_float_mode(mode_);
        work(slot);
        leave();
        break;
      }
    }
  }

  /// Until the next call, even if that job ends before this thread runs: the one after it may be near. Whether it
  /// slept.
  template <class News>
  bool sleep_unless(const News& news) {
    if (news()) return false;
    called_.store(0);
    sleepers_.fetch_add(1);
    const std::uint32_t seen = wake_.load();
    const bool sleeps = !news();
    if (sleeps) futex_wait(wake_, seen);
    sleepers_.fetch_sub(1);
    return sleeps;
  }

  void leave() {
    const std::uint64_t after = control_.fetch_sub(one_active) - one_active;
    if ((after & (active_mask | open_bit)) != 0 || !caller_sleeps_.load()) return;
    finished_.store(SpinWait::nanoseconds());
    done_.fetch_add(1);
    futex_wake(done_, 1);
  }

  std::mutex caller_;  // held by the thread whose job runs and by whoever changes the pool
  std::vector<std::thread> workers_;
  std::atomic<int> threads_{0};
  std::int64_t slots_ = 1;
  bool may_spin_ = false, closed_ = false;
  SpinWait caller_spin_;

  const FunctionRef<void(std::int64_t)>* fn_ = nullptr;
  std::int64_t count_ = 0;
  unsigned mode_ = 0;  // the caller's: a result does not depend on the thread that computes it
  std::uint64_t epoch_ = 0;
  std::exception_ptr error_;
  std::int64_t error_chunk_ = 0;
  SpinLock error_lock_;

  alignas(64) std::atomic<std::uint64_t> control_{0};  // epoch, number of workers in the job, whether it is open
  alignas(64) std::atomic<std::uint64_t> claimed_{0};
  alignas(64) std::atomic<std::uint32_t> wake_{0};
  std::atomic<std::uint32_t> sleepers_{0};
  std::atomic<std::uint32_t> done_{0};
  std::atomic<bool> caller_sleeps_{false}, stop_{false};
  std::atomic<std::int64_t> busy_until_{0};  // nanoseconds(), as the next two
  std::atomic<std::int64_t> called_{0};      // when the first job came after a worker fell asleep
  std::atomic<std::int64_t> finished_{0};    // when the last worker left a job whose caller slept
};

}  // namespace

void run_chunks(std::int64_t count, FunctionRef<void(std::int64_t)> fn) { ThreadPool::instance().run(count, fn); }

OnThisThread::OnThisThread() : before_(inside_parallel) { inside_parallel = true; }

OnThisThread::~OnThisThread() { inside_parallel = before_; }

SingleThreadedOmp::SingleThreadedOmp() : before_(omp_get_max_threads()) {
  if (before_ != 1) omp_set_num_threads(1);
}

SingleThreadedOmp::~SingleThreadedOmp() {
  if (before_ != 1) omp_set_num_threads(before_);
}

}  // namespace nyala::detail

namespace nyala {

int num_threads() { return detail::ThreadPool::instance().threads(); }

void set_num_threads(int count) {
  detail::parse_thread_count(std::to_string(count), "set_num_threads");
  if (detail::inside_parallel) throw Error("set_num_threads: not while a parallel operation runs in this thread");
  detail::ThreadPool::instance().set_threads(count);
}

}  // namespace nyala
