#pragma once

#include "backend/cpu/amx/split_blocks.hpp"

// The parts of split_conv.cpp that are compiled for the tile unit.

namespace nyala::backend::amx {

/// Splits `count` numbers into parts, one after the other at `to`, `to` + part and `to` + 2 part; `top` as in Packer.
void split_row(const float* from, std::int64_t count, char* to, std::int64_t part, std::uint32_t& top);

/// A block of a kernel for the tile unit: up to 32 rows of the summed axis, up to 32 output channels.
void split_factors(const float* from, std::int64_t stride, std::int64_t rows, std::int64_t columns, char* to,
                   std::uint32_t& top);

/// Some rows of results. Pixels lie one after the other, `pitch` to a row, with zeros between the rows; a tile's rows
/// are pixels that follow each other, so that some results lie between the images and are dropped.
struct Band {
  const char* image;            ///< pixels in parts, from the first one that the first result sees
  std::int64_t part, pixel;     ///< bytes of a part, of a pixel
  const std::int64_t* offsets;  ///< bytes from a result's first pixel to the 32 numbers of each step
  const char* filter;           ///< (32 output channels, step) blocks
  std::int64_t steps, out_channels;
  std::int64_t first, last, pitch;             ///< rows of all images one above the other, with their gaps
  std::int64_t period, out_rows, out_columns;  ///< rows from image to image; of results
  const float* bias;
  bool relu;
  float* y;
};
void convolve_band(const Band& band);

}  // namespace nyala::backend::amx
