#pragma once

// What tests ask of the software GPU, found with dlsym or by linking libnyala_softgpu. Values of the environment that
// do the same at start: NYALA_SOFTGPU_SEED, _DELAY (late, random or none), _PROTECTION (keys or pages), _MEMORY (bytes
// per device), _DEVICES, _DRIVER (a version such as 12040; 0: none), _CUDNN (a version such as 91900), _CAPABILITY
// (90), _RELU_ZERO (1: cuBLASLt's masks of relu let sums of 0 pass) and _FAULTS ("allocation:3,launch:10": the third
// allocation and the tenth launch fail).

extern "C" {

/// The n-th event of a kind from now on fails (1: the next; 0: none does). Kinds: allocation, pinned, launch, copy,
/// illegal_address (a call after which the device is lost), event, matmul, heuristic
/// (cuBLASLt's), engines (cuDNN's heuristics), plan, execute, handle, rnn, softmax.
void softgpu_fail(const char* kind, long n);
/// As the environment variable of that name: devices, driver, cudnn, memory, relu_zero, capability.
void softgpu_set(const char* name, long value);
/// How many there were since the start or softgpu_reset_counts: launches, allocations, frees, copies, pageable_copies,
/// synchronisations, streams, matmuls, plans, executions, softmaxes. Another kind, of events or of counts, is a broken
/// rule.
long softgpu_count(const char* kind);
void softgpu_reset_counts();
/// Bytes and blocks of device memory that are allocated: freed ones count until the free has run.
long softgpu_live_bytes();
long softgpu_live_blocks();
/// Waits for all streams and looks at the red zones of all blocks.
void softgpu_check();
/// How many broken rules were noticed and not taken. A process that ends with some left exits with 86.
long softgpu_violations();
/// The oldest violation, forgotten thereby; an empty string when there is none. Valid until the next call.
const char* softgpu_take_violation();
}
