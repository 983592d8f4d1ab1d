#pragma once

// What IndexLookup knows once it has learnt its tokens.

#include <string>
#include <unordered_map>
#include <vector>

#include <nyala/layers/lookup.hpp>

namespace nyala {

struct IndexLookup::Vocabulary {
  std::vector<std::string> tokens;  // without the special ones
  std::unordered_map<std::string, std::int64_t> index;
  std::vector<double> idf;

  const std::int64_t* find(const std::string& token) const {
    const auto found = index.find(token);
    return found == index.end() ? nullptr : &found->second;
  }
};

namespace lookup {

/// Of 64 bits.
bool is_whole_number(const std::string& text);

}  // namespace lookup

}  // namespace nyala
