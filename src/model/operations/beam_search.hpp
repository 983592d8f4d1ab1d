#pragma once

#include <cstdint>
#include <vector>

namespace nyala::detail {

struct BeamSearch {
  std::size_t steps = 0, classes = 0, blank = 0, beam_width = 100, top_paths = 1;
};

/// One sequence's likeliest labels, best first; fewer than top_paths where there are no more.
struct BeamPath {
  std::vector<std::int32_t> labels;
  double score = 0.0;  // logarithm of its chance
};

/// CTC's prefix beam search over logarithms of chances (steps, classes), of which the first `length` steps count
/// (Graves et al., 2006; Keras' ctc_decode with strategy "beam_search").
std::vector<BeamPath> beam_search(const BeamSearch& search, const double* log_chances, std::size_t length);

}  // namespace nyala::detail
