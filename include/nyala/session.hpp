#pragma once

namespace nyala {

/// Starts the automatic names anew: the next Dense is "dense" again. https://keras.io/api/utils/config_utils/
void clear_session();

}  // namespace nyala
