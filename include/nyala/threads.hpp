#pragma once

namespace nyala {

/// How many threads one operation may use, the calling one included. At the start: the environment variable
/// NYALA_NUM_THREADS or, without it, the processors that the affinity mask and the control group's quota leave.
/// Results do not depend on it. Throws Error when the variable is not a number from 1 to 1024.
int num_threads();

/// Changes it; waits for running operations. Throws Error unless 1 <= count <= 1024, and inside a parallel operation.
void set_num_threads(int count);

}  // namespace nyala
