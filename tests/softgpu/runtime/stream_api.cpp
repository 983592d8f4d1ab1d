#include "runtime/state.hpp"

using softgpu::fail;
using softgpu::misuse;
using softgpu::state;

namespace {

CUevent_st* known_event(cudaEvent_t event, const char* what) {
  if (state().events.contains(event)) return event;
  misuse(cudaErrorInvalidResourceHandle, std::string(what) + ": not an event, or one that was destroyed");
  return nullptr;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  if (flags != cudaStreamNonBlocking)
    return misuse(cudaErrorInvalidValue, "cudaStreamCreateWithFlags: a stream that waits for the default stream");
  softgpu::count("streams");
  const std::lock_guard lock(state().mutex);
  auto& all = state().streams;
  CUstream_st& made = *all.emplace_back(std::make_unique<CUstream_st>());
  made.number = all.size() - 1;
  made.device = softgpu::current_device();
  made.hold = 1;
  made.thread = std::thread(softgpu::run_stream, std::ref(made));
  state().open_streams.insert(&made);
  *stream = &made;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  std::thread ended;
  {
    const std::lock_guard lock(state().mutex);
    if (softgpu::open_stream(stream, "cudaStreamDestroy") == nullptr) return cudaErrorInvalidResourceHandle;
    state().open_streams.erase(stream);
    stream->closing = true;
    stream->wake.notify_one();
    ended = std::move(stream->thread);
  }
  ended.join();
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  softgpu::count("synchronisations");
  std::unique_lock lock(state().mutex);
  if (softgpu::open_stream(stream, "cudaStreamSynchronize") == nullptr) return cudaErrorInvalidResourceHandle;
  const softgpu::Clock seen = stream->clock;
  softgpu::wait_for(*stream, stream->pushed, lock);
  state().host.join(seen);
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  const std::lock_guard lock(state().mutex);
  if (softgpu::open_stream(stream, "cudaStreamWaitEvent") == nullptr) return cudaErrorInvalidResourceHandle;
  if (known_event(event, "cudaStreamWaitEvent") == nullptr) return cudaErrorInvalidResourceHandle;
  if (event->stream == nullptr || event->stream == stream) return cudaSuccess;
  softgpu::push(*stream, [other = event->stream, at = event->at] {
    std::unique_lock inner(state().mutex);
    softgpu::wait_for(*other, at, inner);
  });
  stream->clock.join(event->clock);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  if (softgpu::fault("event")) return fail(cudaErrorMemoryAllocation);
  const std::lock_guard lock(state().mutex);
  *event = new CUevent_st;
  (*event)->device = softgpu::current_device();
  state().events.insert(*event);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard lock(state().mutex);
  if (known_event(event, "cudaEventDestroy") == nullptr) return cudaErrorInvalidResourceHandle;
  state().events.erase(event);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  const std::lock_guard lock(state().mutex);
  if (softgpu::open_stream(stream, "cudaEventRecord") == nullptr) return cudaErrorInvalidResourceHandle;
  if (known_event(event, "cudaEventRecord") == nullptr) return cudaErrorInvalidResourceHandle;
  if (event->device != stream->device)
    return misuse(cudaErrorInvalidResourceHandle, "cudaEventRecord: event and stream of different devices");
  softgpu::push(*stream, [] {});
  event->stream = stream;
  event->at = stream->pushed;
  event->clock = stream->clock;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  softgpu::count("synchronisations");
  std::unique_lock lock(state().mutex);
  if (known_event(event, "cudaEventSynchronize") == nullptr) return cudaErrorInvalidResourceHandle;
  if (event->stream == nullptr) return cudaSuccess;
  const softgpu::Clock seen = event->clock;
  softgpu::wait_for(*event->stream, event->at, lock);
  state().host.join(seen);
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  const std::lock_guard lock(state().mutex);
  if (known_event(event, "cudaEventQuery") == nullptr) return cudaErrorInvalidResourceHandle;
  if (event->stream == nullptr) return cudaSuccess;
  if (event->stream->done < event->at) return cudaErrorNotReady;
  state().host.join(event->clock);
  return cudaSuccess;
}
}
