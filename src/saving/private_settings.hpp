#pragma once

#include <nyala/config.hpp>

namespace nyala::saving {

/// The key of an activity regularizer whose values of a batch are summed.
inline constexpr char summed_activity[] = "nyala_activity_summed";

/// The key beside compile settings whose losses take masks as Keras 2.3 to 2.9 did.
inline constexpr char masks_weigh[] = "nyala_masks_weigh";

/// Settings that today's Keras has no word for, because it computes otherwise: what old files meant. Objects hold them
/// in their config under keys that begin with "nyala_"; files hold them beside the config, where Keras does not look,
/// for it refuses keys that it does not know.
///
/// {class_name, config} with its own settings, and those of an inner optimizer, moved beside the config.
void set_apart(Config& object);
/// The other way.
void take_in(Config& object);

}  // namespace nyala::saving
