#pragma once

#include <string>
#include <vector>

#include <nyala/datasets.hpp>

namespace nyala::detail {

/// The images and one of the `labels` label bytes of each record, of all the files in order. Throws Error for a file
/// that ends within a record, has none, or has a label of `classes` or more.
datasets::Split read_cifar(const std::vector<std::string>& paths, int labels, int which, int classes);

}  // namespace nyala::detail
