#pragma once

// Encodings of class numbers, and TensorFlow's hashes of strings.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nyala/ops.hpp>

namespace nyala::category {

/// Error naming the layer unless it is one of Keras' modes; Keras' old spellings "binary" and "tf-idf" give today's.
std::string output_mode(const std::string& given, const std::vector<std::string>& allowed, const std::string& layer);

/// Keras' encode_categorical_inputs: class numbers outside of [0, depth) count nowhere; weights (as x, or null) for
/// "count".
Tensor encoded(const Tensor& x, const std::string& mode, std::int64_t depth, DType dtype, const Tensor& weights = {});
/// The shape that Keras gives its result.
Shape encoded_shape(const Shape& input, const std::string& mode, std::int64_t depth);

/// FarmHash's fingerprint (Pike & Alakuijala), which never changes.
std::uint64_t fingerprint(std::string_view text);
/// SipHash-2-4 (Aumasson & Bernstein 2012).
std::uint64_t keyed_hash(std::string_view text, const std::array<std::uint64_t, 2>& keys);
/// How TensorFlow joins the hashes of two features.
std::uint64_t joined(std::uint64_t first, std::uint64_t second);

/// Strings as they are, whole numbers in decimal; other numbers are cut to whole ones.
std::vector<std::string> texts(const Tensor& x);

}  // namespace nyala::category
