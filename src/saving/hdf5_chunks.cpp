// Datasets in chunks, packed or not: not what Keras writes, but what other programs may make of its files.
#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "saving/hdf5_format.hpp"

namespace nyala::saving::hdf5 {
namespace {

enum : std::uint16_t { deflate_filter = 1, shuffle_filter = 2, fletcher_filter = 3, lzf_filter = 32000 };

class ChunkReader {
 public:
  ChunkReader(const Image& image, const Layout& layout, const std::vector<Filter>& filters, const Dataspace& space,
              std::size_t element_bytes, unsigned char* to)
      : image_(image),
        layout_(layout),
        filters_(filters),
        space_(space),
        sizes_(space.sizes),
        element_bytes_(element_bytes),
        to_(to) {
    const std::vector<std::uint64_t>& sizes = space.sizes;
    chunk_bytes_ = element_bytes;
    std::uint64_t all = element_bytes;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
      // An honest chunk is hardly larger than what it is a part of.
      if (chunk_bytes_ > (std::uint64_t{1} << 34) / layout.chunk[axis])
        image.fail("claims chunks of an impossible size");
      chunk_bytes_ *= layout.chunk[axis];
      all *= sizes[axis];
    }
    if (chunk_bytes_ > 4 * all + (1 << 20)) image.fail("claims chunks far larger than itself");
    for (const Filter& filter : filters) {
      if ((filter.id < deflate_filter || filter.id > fletcher_filter) && filter.id != lzf_filter) {
        image.fail("is packed by the HDF5 filter " + std::to_string(filter.id) +
                   ", which is not read (deflate, lzf, shuffle and fletcher32 are)");
      }
    }
  }

  void read_all() {
    visit_chunks(image_, layout_, space_, chunk_bytes_, [this](const Chunk& chunk) { read(chunk); });
  }

 private:
  void read(const Chunk& chunk) {
    for (std::size_t axis = 0; axis < sizes_.size(); ++axis) {
      if (chunk.begin[axis] % layout_.chunk[axis] != 0) image_.damaged("a chunk lies between others");
      if (chunk.begin[axis] >= sizes_[axis]) return;  // left over from before the dataset was made smaller
    }
    if (!done_.insert(chunk.begin).second) image_.damaged("a chunk is there twice");
    const std::uint64_t most = chunk_bytes_ + chunk_bytes_ / 8 + 1024;
    if (chunk.stored_bytes > most) image_.damaged("a chunk is stored in more bytes than it has");
    Bytes bytes = image_.read(chunk.address, chunk.stored_bytes);
    const bool plain = layout_.partial_chunks_are_plain && is_partial(chunk);
    for (std::size_t i = filters_.size(); !plain && i-- > 0;) {
      if (i < 32 && (chunk.skipped_filters >> i & 1) != 0) continue;
      switch (filters_[i].id) {
        case deflate_filter: bytes = inflated(bytes); break;
        case lzf_filter: bytes = expanded(bytes); break;
        case shuffle_filter: bytes = unshuffled(bytes); break;
        default: check_sum(bytes);
      }
    }
    if (bytes.size() != chunk_bytes_) image_.damaged("a chunk has another size than it should");
    place(chunk, bytes);
  }

  bool is_partial(const Chunk& chunk) const {
    for (std::size_t axis = 0; axis < sizes_.size(); ++axis) {
      if (layout_.chunk[axis] > sizes_[axis] - chunk.begin[axis]) return true;
    }
    return false;
  }

  /// Compares Fletcher's checksum at the end with the bytes before it, and takes it off.
  void check_sum(Bytes& bytes) const {
    if (bytes.size() < 4) image_.damaged("a chunk has no checksum");
    const std::uint64_t said = Cursor(image_, bytes.data() + bytes.size() - 4, 4).u32();
    bytes.resize(bytes.size() - 4);
    std::uint64_t first = 0, second = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
      first += std::uint64_t{bytes[i]} << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
      first = (first & 0xffff) + (first >> 16);
      second += first;
      second = (second & 0xffff) + (second >> 16);
    }
    if (said != (second << 16 | first)) image_.damaged("a chunk's checksum is another");
  }

  Bytes inflated(const Bytes& packed) const {
    // Room for the checksum that may have been packed too.
    Bytes bytes(static_cast<std::size_t>(chunk_bytes_) + 4);
    const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> machine(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    std::size_t size = 0;
    if (machine == nullptr || libdeflate_zlib_decompress(machine.get(), packed.data(), packed.size(), bytes.data(),
                                                         bytes.size(), &size) != LIBDEFLATE_SUCCESS) {
      image_.damaged("a packed chunk cannot be unpacked to the size that it should have");
    }
    bytes.resize(size);
    return bytes;
  }

  /// h5py's own filter: runs of plain bytes, and copies of 3 to 264 bytes from up to 8192 bytes before.
  Bytes expanded(const Bytes& packed) const {
    Bytes bytes;
    bytes.reserve(static_cast<std::size_t>(chunk_bytes_) + 4);
    std::size_t at = 0;
    const auto next = [&] {
      if (at >= packed.size()) image_.damaged("a packed chunk ends early");
      return static_cast<std::size_t>(packed[at++]);
    };
    while (at < packed.size()) {
      const std::size_t control = next();
      if (control < 32) {
        for (std::size_t i = 0; i <= control; ++i) bytes.push_back(static_cast<unsigned char>(next()));
      } else {
        std::size_t length = (control >> 5) + 2;
        if (length == 9) length += next();
        const std::size_t back = ((control & 31) << 8) + next() + 1;
        if (back > bytes.size()) image_.damaged("a packed chunk refers to what is before it");
        for (std::size_t i = 0; i < length; ++i) bytes.push_back(bytes[bytes.size() - back]);
      }
      if (bytes.size() > chunk_bytes_ + 4) image_.damaged("a packed chunk is larger than it should be");
    }
    return bytes;
  }

  Bytes unshuffled(const Bytes& shuffled) const {
    const std::size_t count = shuffled.size() / element_bytes_;
    Bytes bytes = shuffled;
    for (std::size_t byte = 0; byte < element_bytes_; ++byte) {
      for (std::size_t i = 0; i < count; ++i) bytes[i * element_bytes_ + byte] = shuffled[byte * count + i];
    }
    return bytes;
  }

  void place(const Chunk& chunk, const Bytes& bytes) {
    const std::size_t rank = sizes_.size();
    std::vector<std::uint64_t> index(rank, 0);
    const std::uint64_t row =
        std::min(layout_.chunk[rank - 1], sizes_[rank - 1] - chunk.begin[rank - 1]) * element_bytes_;
    while (true) {
      std::uint64_t from = 0, to = 0;
      for (std::size_t axis = 0; axis < rank; ++axis) {
        from = from * layout_.chunk[axis] + index[axis];
        to = to * sizes_[axis] + chunk.begin[axis] + index[axis];
      }
      std::memcpy(to_ + to * element_bytes_, bytes.data() + from * element_bytes_, row);
      std::size_t axis = rank - 1;
      while (axis > 0) {
        --axis;
        if (++index[axis] < layout_.chunk[axis] && chunk.begin[axis] + index[axis] < sizes_[axis]) break;
        index[axis] = 0;
        if (axis == 0) return;
      }
      if (rank == 1) return;
    }
  }

  const Image& image_;
  const Layout& layout_;
  const std::vector<Filter>& filters_;
  const Dataspace& space_;
  const std::vector<std::uint64_t>& sizes_;
  std::size_t element_bytes_;
  unsigned char* to_;
  std::uint64_t chunk_bytes_ = 0;
  std::set<std::vector<std::uint64_t>> done_;
};

}  // namespace

void read_chunks(const Image& image, const Layout& layout, const std::vector<Filter>& filters, const Dataspace& space,
                 std::size_t element_bytes, unsigned char* to) {
  if (layout.chunk.size() != space.sizes.size()) image.damaged("its chunks have another number of axes than it has");
  ChunkReader(image, layout, filters, space, element_bytes, to).read_all();
}

}  // namespace nyala::saving::hdf5
