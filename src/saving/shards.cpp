// "x.weights.json" and its shards "x_00000.weights.h5", …: Keras' max_shard_size.
#include <cstdio>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/error.hpp>

#include "saving/walk.hpp"
#include "saving/weight_store.hpp"

namespace nyala::saving {
namespace {

constexpr std::size_t shards_at_most = 512;
constexpr std::uint64_t map_bytes_at_most = std::uint64_t{1} << 28;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

class ShardWriter {
 public:
  ShardWriter(std::string path, double gigabytes, std::string where)
      : path_(std::move(path)), where_(std::move(where)), limit_(gigabytes * 1024.0 * 1024.0 * 1024.0) {
    if (!(limit_ > 0.0)) throw Error(where_ + ": max_shard_size must be positive, got " + Config(gigabytes).json());
    next_shard();
  }

  void group(const std::string& group, const std::string& name, const std::vector<Variable>& variables) {
    writer_->group(group);
    writer_->text(group, "name", name, Hdf5Writer::Encoding::utf8);
    std::vector<std::string> files;
    for (std::size_t i = 0; i < variables.size(); ++i) {
      const Tensor& value = variables[i].value();
      const auto bytes = static_cast<double>(value.bytes());
      if (bytes > limit_) {
        throw Error(where_ + ": the weight \"" + variables[i].path() + "\" has " + std::to_string(value.bytes()) +
                    " bytes, more than max_shard_size allows");
      }
      if (in_shard_ + bytes > limit_) next_shard();
      in_shard_ += bytes;
      total_ += bytes;
      writer_->dataset(group, std::to_string(i), value);
      if (files.empty() || files.back() != names_.back()) files.push_back(names_.back());
    }
    if (files.empty()) return;
    map_.emplace_back("/" + group, variables.size() == 1 ? Config(files.front()) : Config(files));
  }

  void finish() {
    images_.push_back(writer_->finish());
    writer_.reset();
    // All beside their places first: renaming them then takes no time in which to be killed.
    std::vector<std::unique_ptr<detail::AtomicFile>> files;
    for (std::size_t i = 0; i < images_.size(); ++i) {
      files.push_back(std::make_unique<detail::AtomicFile>(folder_of(path_) + names_[i], where_));
      images_[i]->write_to(*files.back());
    }
    const Config index = Config::object(
        {{"metadata", Config::object({{"total_size", total_}})}, {"weight_map", Config::object(std::move(map_))}});
    const std::string json = index.json(4);
    files.push_back(std::make_unique<detail::AtomicFile>(path_, where_));
    files.back()->write(json.data(), json.size());
    for (const auto& file : files) file->commit();
  }

 private:
  void next_shard() {
    if (writer_) images_.push_back(writer_->finish());
    writer_ = std::make_unique<Hdf5Writer>(where_);
    in_shard_ = 0.0;
    const std::string stem = path_.substr(folder_of(path_).size());
    char number[16];
    std::snprintf(number, sizeof number, "_%05zu", names_.size());
    names_.push_back(stem.substr(0, stem.size() - std::string(".weights.json").size()) + number + ".weights.h5");
  }

  std::string path_, where_;
  double limit_, in_shard_ = 0.0, total_ = 0.0;
  std::unique_ptr<Hdf5Writer> writer_;
  std::vector<std::shared_ptr<Hdf5Image>> images_;
  std::vector<std::string> names_;
  std::vector<Config::Entry> map_;
};

}  // namespace

void write_shards(const std::string& path, const Model& model, double gigabytes, const std::string& where) {
  ShardWriter writer(path, gigabytes, where);
  for (const Group& group : groups_of(model, true)) writer.group(group.path, group.name, group.variables);
  writer.finish();
}

WeightStore WeightStore::sharded(const std::string& path, const std::string& where) {
  const std::shared_ptr<ByteSource> source = open_file(path, where);
  if (source->size() > map_bytes_at_most) throw Error(where + ": this is no list of shards: it is far too long");
  std::string text(static_cast<std::size_t>(source->size()), '\0');
  source->read(0, text.data(), text.size());
  Config index;
  try {
    index = Config::parse(text);
  } catch (const Error& error) {
    throw Error(where + ": " + error.what());
  }
  if (!index.is_object() || !index.get("weight_map").is_object()) {
    throw Error(where + ": this is no list of shards: it has no \"weight_map\"");
  }
  WeightStore store;
  store.where_ = where;
  for (const auto& [group, files] : index.get("weight_map").entries()) {
    if (!files.is_string() && !files.is_array()) throw Error(where + ": \"" + group + "\" names no files");
    const std::vector<Config> list = files.is_string() ? std::vector<Config>{files} : files.items();
    std::vector<std::string>& names = store.shards_[group.substr(group.rfind('/', 0) == 0 ? 1 : 0)];
    for (const Config& file : list) {
      if (!file.is_string()) throw Error(where + ": \"" + group + "\" names something that is no file");
      const std::string& name = file.as_string();
      if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
        throw Error(where + ": the shard \"" + name.substr(0, 200) + "\" does not lie beside the list");
      }
      if (store.files_.count(name) == 0) {
        if (store.files_.size() >= shards_at_most) throw Error(where + ": more than 512 shards are not read");
        const std::string shard = folder_of(path) + name;
        store.files_.emplace(name, std::make_shared<Hdf5Reader>(shard, where + ": shard \"" + name + "\""));
      }
      names.push_back(name);
    }
  }
  return store;
}

}  // namespace nyala::saving
