#pragma once

// Everything that a program needs. The parts can be included one by one as well.

#include <nyala/activations.hpp>
#include <nyala/autograd.hpp>
#include <nyala/backend.hpp>
#include <nyala/callbacks.hpp>
#include <nyala/constraints.hpp>
#include <nyala/dataset.hpp>
#include <nyala/datasets.hpp>
#include <nyala/device.hpp>
#include <nyala/dtype_policy_map.hpp>
#include <nyala/error.hpp>
#include <nyala/initializers.hpp>
#include <nyala/layers.hpp>
#include <nyala/losses.hpp>
#include <nyala/memory.hpp>
#include <nyala/metrics.hpp>
#include <nyala/model.hpp>
#include <nyala/npy.hpp>
#include <nyala/ops.hpp>
#include <nyala/ops/image.hpp>
#include <nyala/optimizers.hpp>
#include <nyala/random.hpp>
#include <nyala/register.hpp>
#include <nyala/regularizers.hpp>
#include <nyala/rows.hpp>
#include <nyala/saving.hpp>
#include <nyala/schedules.hpp>
#include <nyala/serialization.hpp>
#include <nyala/session.hpp>
#include <nyala/summary_writer.hpp>
#include <nyala/tensor.hpp>
#include <nyala/threads.hpp>
#include <nyala/utils.hpp>
#include <nyala/variable.hpp>
