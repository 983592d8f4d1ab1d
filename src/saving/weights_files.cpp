// Model::save_weights and load_weights.
#include <cstdint>
#include <memory>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "core/atomic_file.hpp"
#include "saving/archive.hpp"
#include "saving/file_format.hpp"
#include "saving/legacy_h5.hpp"
#include "saving/walk.hpp"
#include "saving/weight_store.hpp"

namespace nyala {

using namespace saving;

void Model::save_weights(const std::string& filepath, const SaveWeightsOptions& options) const {
  const std::string where = quoted("save_weights", filepath);
  const Format format = format_of(filepath);
  const Format wanted = options.max_shard_size ? Format::shards : Format::weights;
  if (format != wanted) {
    throw Error(where + (options.max_shard_size ? ": with max_shard_size the file name must end with \".weights.json\""
                                                : ": the file name must end with \".weights.h5\""));
  }
  require_built(*this, "save_weights");
  refuse_to_overwrite(filepath, options.overwrite, where);
  if (options.max_shard_size) return write_shards(filepath, *this, *options.max_shard_size, where);
  detail::AtomicFile file(filepath, where);
  Hdf5Writer writer(where);
  write_weights(writer, *this, true);
  writer.finish()->write_to(file);
  file.commit();
}

void Model::load_weights(const std::string& filepath, const LoadWeightsOptions& options) {
  const std::string where = quoted("load_weights", filepath);
  const Format format = format_of(filepath);
  if (format == Format::unknown) {
    throw Error(where +
                ": the file name must end with \".weights.h5\", \".weights.json\", \".keras\", \".h5\" or \".hdf5\"");
  }
  if (options.by_name && format != Format::legacy) {
    throw Error(where + ": by_name is for legacy \".h5\" files; others are matched by place");
  }
  require_built(*this, "load_weights");
  reading(where, [&] {
    Assignments assignments;
    const ReadWeightsOptions all{.skip_mismatch = options.skip_mismatch};
    const auto legacy = [&](const Hdf5Reader& file) {
      const bool whole = !file.texts("", "layer_names") && file.has_group("model_weights");
      read_legacy_weights(file, whole ? "model_weights" : "", *this,
                          {.by_name = options.by_name, .skip_mismatch = options.skip_mismatch}, assignments);
    };
    switch (format) {
      case Format::keras: {
        const ArchiveReader archive(filepath, where);
        const std::uint64_t most = (std::uint64_t{1} << 28) + 16 * archive.file_bytes();
        const auto source = archive.source(weights_member, most);
        read_weights(WeightStore(std::make_shared<Hdf5Reader>(source, where + ": " + weights_member)), *this, all,
                     assignments);
        break;
      }
      case Format::weights: {
        const auto file = std::make_shared<Hdf5Reader>(filepath, where);
        // ModelCheckpoint without save_weights_only puts a whole model under such a name, as in Keras; TensorFlow's
        // Keras up to 2.11 gave this ending no meaning.
        const bool whole = file->has_group("model_weights");
        if (whole || file->texts("", "layer_names"))
          legacy(*file);
        else
          read_weights(WeightStore(file), *this, all, assignments);
        break;
      }
      case Format::shards: read_weights(WeightStore::sharded(filepath, where), *this, all, assignments); break;
      default: legacy(Hdf5Reader(filepath, where));
    }
    assignments.commit();
  });
}

}  // namespace nyala
