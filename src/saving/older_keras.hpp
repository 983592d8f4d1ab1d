#pragma once

#include <nyala/config.hpp>

namespace nyala::saving {

/// A file's objects without the keys that Keras 3.`minor` does not know yet, where they say what is so anyway: a Keras
/// refuses keys that are new to it, and takes what is missing for its default. What differs from the default stays.
Config in_words_of(const Config& objects, int minor);

}  // namespace nyala::saving
