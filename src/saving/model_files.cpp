// Whole models: Model::save, load_model, convert.
#include <nyala/saving.hpp>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>

#include <nyala/assets.hpp>
#include <nyala/error.hpp>

#include "core/atomic_file.hpp"
#include "model/model_state.hpp"
#include "saving/archive.hpp"
#include "saving/file_format.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/legacy_h5.hpp"
#include "saving/model_config.hpp"
#include "saving/older_keras.hpp"
#include "saving/private_settings.hpp"
#include "saving/slashed_names.hpp"
#include "saving/walk.hpp"
#include "saving/weight_store.hpp"

namespace nyala {

using namespace saving;

namespace {

// JSON takes many times its length once it is parsed.
constexpr std::uint64_t text_at_most = std::uint64_t{1} << 25;

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d@%H:%M:%S", &local));
}

std::string asset(const std::string& path, const std::string& name) { return joined(joined("assets", path), name); }

/// In the words of the Keras 3 from whose file the model came.
Config for_its_keras(const Model& model, const Config& config) {
  const std::optional<int> minor = model.model_state()->keras3_minor;
  return minor ? in_words_of(config, *minor) : config;
}

void remember_version(Model& model) {
  const KerasVersion& version = version_being_read();
  if (version.major == 3 && version.before(3, 15)) model.model_state()->keras3_minor = version.minor;
}

void write_legacy(detail::AtomicFile& file, const Model& model, bool include_optimizer, const std::string& where) {
  Hdf5Writer writer(where);
  writer.text("", "keras_version", keras_version, Hdf5Writer::Encoding::utf8);
  writer.text("", "backend", backend_name, Hdf5Writer::Encoding::utf8);
  writer.text("", "model_config", for_its_keras(model, model_config(model, Form::legacy)).json(),
              Hdf5Writer::Encoding::ascii);
  write_legacy_weights(writer, "model_weights", model);
  const Config training = include_optimizer ? for_its_keras(model, training_config(model)) : Config();
  if (!training.is_null()) {
    writer.text("", "training_config", training.json(), Hdf5Writer::Encoding::ascii);
    write_legacy_optimizer(writer, "optimizer_weights", model);
  }
  writer.finish()->write_to(file);
}

void write_keras(detail::AtomicFile& file, const Model& model, bool include_optimizer, const std::string& where) {
  Config config = for_its_keras(model, model_config(model, Form::keras3));
  for (const char* key : {"compile_config", masks_weigh}) {
    if (!include_optimizer && config.contains(key)) config.erase(key);
  }
  Hdf5Writer writer(where);
  write_weights(writer, model, include_optimizer);
  ArchiveWriter archive(file, where);
  archive.add("metadata.json", Config::object({{"keras_version", keras_version}, {"date_saved", now()}}).json());
  archive.add("config.json", config.json());
  archive.add(weights_member, *writer.finish());
  for (const Saveable& saveable : saveables_of(model)) {
    const auto* kept = dynamic_cast<const WithAssets*>(saveable.layer);
    if (kept == nullptr) continue;
    for (const auto& [name, text] : kept->assets().files) archive.add(asset(saveable.path, name), text);
  }
  archive.finish();
}

Config parsed(const std::string& json, const std::string& where) {
  return about(where, [&] { return Config::parse(json); });
}

void refuse_folder(const std::string& path, const std::string& where) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return;
  const auto holds = [&](const char* name) {
    return std::filesystem::exists(std::filesystem::path(path) / name, ignored);
  };
  if (holds("saved_model.pb")) {
    throw Error(where +
                ": this folder is a TensorFlow SavedModel, a program of TensorFlow's; load it in Python with the "
                "Keras that wrote it and save it as \".keras\" or \".h5\"");
  }
  if (holds("config.json")) {
    throw Error(where +
                ": this folder is an unpacked \".keras\" file; pack its members with zip, or save the model "
                "with zipped=True");
  }
}

class Loader {
 public:
  Loader(std::string where, const LoadOptions& options, std::uint64_t file_bytes)
      : where_(std::move(where)), options_(options), file_bytes_(file_bytes) {}

  Model legacy(const Hdf5Reader& file) const {
    const auto text = file.text("", "model_config");
    if (!text) {
      throw Error(where_ + ": the file has no architecture" +
                  (file.texts("", "layer_names") || file.has_group("vars") || file.has_group("layers")
                       ? ", only weights: make the model and call load_weights"
                       : ""));
    }
    const VersionBeingRead version(file.text("", "keras_version").value_or("1"));
    const Config architecture = parsed(*text, where_ + ": model_config");
    const SlashedNames slashed(architecture);
    Model model = made(slashed.renamed(architecture));
    remember_version(model);
    Assignments assignments(true);
    if (has_weights_made(model)) {
      read_legacy_weights(file, file.has_group("model_weights") ? "model_weights" : "", model, {}, assignments);
    } else if (const auto names = file.texts("model_weights", "layer_names"); names && stores_weights(file, *names)) {
      throw Error(where_ + ": the file has weights, but does not say which shape the model's input has");
    }
    const auto training = file.text("", "training_config");
    if (!options_.compile || !training) return model;
    const Config settings = parsed(*training, where_ + ": training_config");
    compile(model, slashed.renamed(settings), settings);
    if (has_weights_made(model)) read_legacy_optimizer(file, "optimizer_weights", model, assignments);
    return model;
  }

  Model keras(const ArchiveReader& archive) const {
    const Config config = parsed(
        archive.text("config.json", std::min(text_at_most, (std::uint64_t{1} << 20) + 200 * archive.file_bytes())),
        where_ + ": config.json");
    std::string written_by;
    try {
      const Config metadata = Config::parse(archive.text("metadata.json", 1 << 16));
      if (metadata.is_object() && metadata.get("keras_version").is_string())
        written_by = metadata.at("keras_version").as_string();
    } catch (const Error&) {  // Keras does not read it
    }
    const VersionBeingRead version(written_by);
    const SlashedNames slashed(config);
    Model model = made(slashed.renamed(config));
    remember_version(model);
    if (!archive.contains(weights_member) && archive.contains("model.weights.npz")) {
      throw Error(where_ + ": the weights are in \"model.weights.npz\", which is not read");
    }
    const WeightStore store(
        std::make_shared<Hdf5Reader>(archive.source(weights_member, limit()), where_ + ": " + weights_member));
    read_assets(archive, store, model);
    Assignments assignments(true);
    if (has_weights_made(model)) {
      read_weights(store, model, {.include_optimizer = false}, assignments);
    } else if (store.has_group("layers")) {
      throw Error(where_ + ": the file has weights, but does not say which shape the model's input has");
    }
    const Config& settings = config.get("compile_config");
    if (!options_.compile || !settings.is_object() || settings.size() == 0) return model;
    compile(model, slashed.renamed(settings), config);
    if (has_weights_made(model) && settings.contains("optimizer")) read_optimizer(store, model, assignments);
    return model;
  }

 private:
  static bool stores_weights(const Hdf5Reader& file, const std::vector<std::string>& layers) {
    return std::any_of(layers.begin(), layers.end(), [&](const std::string& layer) {
      const auto names = file.texts("model_weights/" + layer, "weight_names");
      return names && !names->empty();
    });
  }

  void read_assets(const ArchiveReader& archive, const WeightStore& store, const Model& model) const {
    bool known = false;
    for (const Saveable& saveable : saveables_of(model)) {
      auto* layer = dynamic_cast<WithAssets*>(saveable.layer);
      if (layer == nullptr) continue;
      known = true;
      Assets found;
      for (const std::string& name : layer->file_names()) {
        const std::string member = asset(saveable.path, name);
        if (!archive.contains(member)) continue;
        found.files[name] = archive.text(member, (std::uint64_t{1} << 20) + 200 * archive.file_bytes());
      }
      for (const std::string& name : layer->tensor_names()) {
        if (const Tensor value = store.named(joined(saveable.path, "vars"), name); value.defined())
          found.tensors[name] = value;
      }
      about(where_, [&] { layer->read_assets(found); });
    }
    if (archive.has_assets() && !known) warn(where_ + ": the archive's assets are not read");
  }

  std::uint64_t limit() const {
    if (options_.max_parameter_bytes != LoadOptions().max_parameter_bytes) return options_.max_parameter_bytes;
    const std::uint64_t honest = (std::uint64_t{1} << 26) + 16 * file_bytes_;
    return std::min(honest, options_.max_parameter_bytes);
  }

  Model made(const Config& config) const {
    return about(where_,
                 [&] { return model_from_config(config, {.max_parameter_bytes = limit(), .initialize = false}); });
  }

  void compile(Model& model, const Config& settings, const Config& object) const {
    about(where_, [&] { compile_from_config(model, settings, object); });
  }

  std::string where_;
  const LoadOptions& options_;
  std::uint64_t file_bytes_;
};

}  // namespace

void Model::save(const std::string& filepath, const SaveOptions& options) const {
  const std::string where = quoted("save", filepath);
  const Format format = format_of(filepath);
  if (format == Format::shards) {
    throw Error(where + ": a whole model goes to \".keras\" or \".h5\"; save_weights writes this name");
  }
  if (format == Format::unknown) {
    throw Error(where + ": the file name must end with \".keras\", \".h5\" or \".hdf5\"");
  }
  refuse_to_overwrite(filepath, options.overwrite, where);
  about(where, [&] {
    detail::AtomicFile file(filepath, where);
    if (format == Format::keras)
      write_keras(file, *this, options.include_optimizer, where);
    else
      write_legacy(file, *this, options.include_optimizer, where);
    file.commit();
  });
}

Model load_model(const std::string& filepath, const LoadOptions& options) {
  const std::string where = quoted("load_model", filepath);
  const Format format = format_of(filepath);
  if (format == Format::shards) {
    throw Error(where + ": this name stands for weights alone: make the model and call load_weights");
  }
  refuse_folder(filepath, where);
  return reading(where, [&] {
    // The content decides: h5 files were given all kinds of names.
    const std::shared_ptr<ByteSource> source = open_file(filepath, where);
    char start[2] = {};
    if (source->size() >= sizeof start) source->read(0, start, sizeof start);
    // tf.keras up to 2.12 wrote HDF5 into files named ".keras".
    const bool zipped = start[0] == 'P' && start[1] == 'K', hdf5 = start[0] == '\x89' && start[1] == 'H';
    if (zipped || (format == Format::keras && !hdf5)) {
      const ArchiveReader archive(source, where);
      return Loader(where, options, archive.file_bytes()).keras(archive);
    }
    const Hdf5Reader file(source, where);
    return Loader(where, options, file.bytes()).legacy(file);
  });
}

void convert(const std::string& input, const std::string& output) {
  const Model model = load_model(input);
  if (format_of(output) == Format::weights)
    model.save_weights(output);
  else
    model.save(output);
}

}  // namespace nyala
