#pragma once

#include <string>

#include <nyala/callback.hpp>

namespace nyala::detail {

/// Fills "{epoch:02d}-{val_loss:.3f}" as Python's str.format does: `whole` are Python ints, `logs` floats. Throws
/// Error, beginning with `where`, for a field that is not there or a format that does not fit.
std::string filled(const std::string& path, const std::map<std::string, long long>& whole, const Logs& logs,
                   const std::string& where);

/// Throws Error for braces that do not match.
void check_template(const std::string& path, const std::string& where);

}  // namespace nyala::detail
