#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <nyala/error.hpp>
#include <nyala/layers/lookup.hpp>

#include "category_support.hpp"
#include "index_vocabulary.hpp"

namespace nyala {

namespace {

constexpr int most_special = 1 << 24;  // of tokens that a vocabulary need not list: what a file says is bounded

}  // namespace

std::int64_t IndexLookup::oov_start() const { return settings_.mask_token && settings_.output_mode == "int" ? 1 : 0; }

bool IndexLookup::empty() const { return vocabulary_ == nullptr || vocabulary_->tokens.empty(); }

std::int64_t IndexLookup::token_start() const { return oov_start() + settings_.num_oov_indices; }

void IndexLookup::set_up(LookupSettings settings, bool integers, const char* layer) {
  const std::string where(layer);
  settings_ = std::move(settings);
  integers_ = integers;
  settings_.output_mode =
      category::output_mode(settings_.output_mode, {"int", "one_hot", "multi_hot", "count", "tf_idf"}, where);
  if (settings_.max_tokens && *settings_.max_tokens <= 1) {
    throw Error(where + ": max_tokens must be above 1, got " + std::to_string(*settings_.max_tokens));
  }
  if (settings_.num_oov_indices < 0 || settings_.num_oov_indices > most_special) {
    throw Error(where + ": num_oov_indices must lie in [0, " + std::to_string(most_special) + "], got " +
                std::to_string(settings_.num_oov_indices));
  }
  if (settings_.pad_to_max_tokens && settings_.output_mode == "tf_idf" && settings_.max_tokens &&
      *settings_.max_tokens > most_special) {
    throw Error(where + ": max_tokens must be at most " + std::to_string(most_special) +
                " for padded \"tf_idf\", got " + std::to_string(*settings_.max_tokens));
  }
  if (settings_.pad_to_max_tokens && !settings_.max_tokens) {
    throw Error(where + ": pad_to_max_tokens needs max_tokens");
  }
  if (settings_.invert && settings_.output_mode != "int") {
    throw Error(where + ": invert needs output_mode \"int\", got \"" + settings_.output_mode + "\"");
  }
  if (settings_.oov_method != "floormod" && settings_.oov_method != "farmhash") {
    throw Error(where + ": oov_method must be \"floormod\" or \"farmhash\", got \"" + settings_.oov_method + "\"");
  }
  if (settings_.salt.size() == 1) settings_.salt.push_back(settings_.salt.front());
  if (settings_.salt.size() > 2) throw Error(where + ": salt must be one number or two");
  if (!settings_.salt.empty() && integers && settings_.oov_method != "farmhash") {
    throw Error(where + ": salt needs oov_method \"farmhash\"");
  }
  if (!settings_.idf_weights.empty() && settings_.output_mode != "tf_idf") {
    throw Error(where + ": idf_weights need output_mode \"tf_idf\", got \"" + settings_.output_mode + "\"");
  }
  if (integers) {
    std::vector<std::string> numbers = settings_.vocabulary;
    if (settings_.mask_token) numbers.push_back(*settings_.mask_token);
    if (settings_.oov_token) numbers.push_back(*settings_.oov_token);
    for (const std::string& number : numbers) {
      if (!lookup::is_whole_number(number))
        throw Error(where + ": \"" + number.substr(0, 40) + "\" is no whole number of 64 bits");
    }
  }
  if (!settings_.vocabulary.empty()) set_tokens(settings_.vocabulary, settings_.idf_weights);
}

void IndexLookup::set_tokens(const std::vector<std::string>& vocabulary, const std::vector<double>& idf_weights) {
  if (vocabulary.empty()) throw Error(label() + ": the vocabulary must not be empty");
  const bool tf_idf = settings_.output_mode == "tf_idf";
  if (tf_idf && idf_weights.size() != vocabulary.size()) {
    throw Error(label() + ": output_mode \"tf_idf\" needs one idf weight per token, got " +
                std::to_string(idf_weights.size()) + " for " + std::to_string(vocabulary.size()) + " tokens");
  }
  const auto special = static_cast<std::size_t>(token_start());
  bool with_special = vocabulary.size() >= special;
  for (std::size_t i = 0; with_special && i < special; ++i) {
    const bool mask = i == 0 && oov_start() == 1;
    with_special = vocabulary[i] == (mask ? *settings_.mask_token : settings_.oov_token.value_or(""));
  }
  const auto skipped = static_cast<std::ptrdiff_t>(with_special ? special : 0);
  const std::vector<std::string> tokens(vocabulary.begin() + skipped, vocabulary.end());
  std::unordered_map<std::string, std::int64_t> index;
  for (const std::string& token : tokens) {
    if (!index.emplace(token, token_start() + static_cast<std::int64_t>(index.size())).second) {
      throw Error(label() + ": the vocabulary has \"" + token + "\" twice");
    }
  }
  for (const std::optional<std::string>& one :
       {settings_.mask_token, settings_.invert ? settings_.oov_token : std::nullopt}) {
    if (one && index.count(*one) != 0) {
      throw Error(label() + ": the vocabulary has the special token \"" + *one + "\" among the others");
    }
  }
  const std::int64_t size = token_start() + static_cast<std::int64_t>(tokens.size());
  if (settings_.max_tokens && size > *settings_.max_tokens) {
    throw Error(label() + ": the vocabulary has " + std::to_string(size) + " tokens, max_tokens is " +
                std::to_string(*settings_.max_tokens));
  }
  std::vector<double> idf;
  if (tf_idf) {
    double sum = 0.0;
    for (const double weight : idf_weights) sum += weight;
    if (!with_special) idf.assign(special, sum / static_cast<double>(idf_weights.size()));
    idf.insert(idf.end(), idf_weights.begin(), idf_weights.end());
    if (settings_.pad_to_max_tokens) idf.resize(static_cast<std::size_t>(*settings_.max_tokens));
  }
  vocabulary_ = std::make_shared<Vocabulary>(Vocabulary{tokens, std::move(index), std::move(idf)});
}

void IndexLookup::adapt(const Tensor& data) {
  const std::vector<std::string> all = category::texts(data);
  const std::size_t rows = data.rank() > 1 ? static_cast<std::size_t>(data.shape()[0]) : all.size();
  const std::size_t width = rows == 0 ? 0 : all.size() / rows;
  std::vector<std::vector<std::string>> documents;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * width);
    documents.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  learn(documents);
}

void IndexLookup::adapt(const Dataset& data) {
  std::vector<Tensor> batches;
  const auto iterator = data.iterator();
  std::vector<std::vector<std::string>> documents;
  for (Batch batch; iterator->next(batch);) {
    const Tensor x = batch.x.only();
    const std::vector<std::string> all = category::texts(x);
    const std::size_t rows = x.rank() > 0 ? static_cast<std::size_t>(x.shape()[0]) : 1;
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t width = all.size() / rows;
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * width);
      documents.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(width));
    }
  }
  learn(documents);
}

void IndexLookup::learn(const std::vector<std::vector<std::string>>& documents) {
  if (!settings_.vocabulary.empty()) {
    throw Error(label() + ": a vocabulary was given, there is nothing to adapt");
  }
  struct Count {
    std::int64_t tokens = 0, documents = 0;
    std::size_t last_document = 0;  // counted from 1
  };
  std::unordered_map<std::string_view, Count> counts;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    for (const std::string& token : documents[d]) {
      Count& count = counts[token];
      ++count.tokens;
      if (std::exchange(count.last_document, d + 1) != d + 1) ++count.documents;
    }
  }
  if (settings_.mask_token) counts.erase(*settings_.mask_token);
  if (settings_.oov_token) counts.erase(*settings_.oov_token);
  if (counts.empty()) throw Error(label() + ": adapt needs data, got none");
  std::vector<std::pair<std::string_view, Count>> sorted(counts.begin(), counts.end());
  const auto greater = [&](std::string_view a, std::string_view b) {
    return integers_ ? std::stoll(std::string(a)) > std::stoll(std::string(b)) : a > b;
  };
  std::sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
    return a.second.tokens != b.second.tokens ? a.second.tokens > b.second.tokens : greater(a.first, b.first);
  });
  if (settings_.max_tokens) {
    const std::int64_t room = std::max<std::int64_t>(*settings_.max_tokens - token_start(), 0);
    if (sorted.size() > static_cast<std::size_t>(room)) sorted.resize(static_cast<std::size_t>(room));
  }
  std::vector<std::string> vocabulary;
  std::vector<double> idf;
  for (const auto& [token, count] : sorted) {
    vocabulary.emplace_back(token);
    const double documents_with = 1.0 + static_cast<double>(count.documents);
    if (settings_.output_mode == "tf_idf")
      idf.push_back(std::log(1.0 + static_cast<double>(documents.size()) / documents_with));
  }
  set_tokens(vocabulary, idf);
}

std::int64_t IndexLookup::unknown(const std::string& token) const {
  const std::int64_t choices = settings_.num_oov_indices;
  if (choices == 0) {
    throw Error(label() + ": \"" + token.substr(0, 80) + "\" is not in the vocabulary, and num_oov_indices is 0");
  }
  if (choices == 1) return oov_start();
  if (integers_ && settings_.oov_method == "floormod") {
    const std::int64_t rest = std::stoll(token) % choices;
    return oov_start() + (rest < 0 ? rest + choices : rest);
  }
  const std::uint64_t hash = settings_.salt.empty()
                                 ? category::fingerprint(token)
                                 : category::keyed_hash(token, {static_cast<std::uint64_t>(settings_.salt[0]),
                                                                static_cast<std::uint64_t>(settings_.salt[1])});
  return oov_start() + static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(choices));
}

std::vector<std::int64_t> IndexLookup::looked_up(const std::vector<std::string>& tokens) const {
  std::vector<std::int64_t> numbers;
  numbers.reserve(tokens.size());
  for (const std::string& token : tokens) {
    if (settings_.mask_token && token == *settings_.mask_token) {
      numbers.push_back(settings_.output_mode == "int" ? 0 : -1);
      continue;
    }
    const std::int64_t* found = empty() ? nullptr : vocabulary_->find(token);
    numbers.push_back(found != nullptr ? *found : unknown(token));
  }
  return numbers;
}

Tensor IndexLookup::inverted(const Tensor& x) const {
  const std::int64_t known = vocabulary_size() - token_start();
  std::vector<std::string> texts;
  for (const std::int64_t number : cast(x, DType::int64).to_vector<std::int64_t>()) {
    const std::int64_t place = number - token_start();
    if (number == 0 && settings_.mask_token)
      texts.push_back(*settings_.mask_token);
    else if (place >= 0 && place < known)
      texts.push_back(vocabulary_->tokens[static_cast<std::size_t>(place)]);
    else
      texts.push_back(settings_.oov_token.value_or(""));
  }
  if (!integers_) return tensor(texts, x.shape());
  std::vector<std::int64_t> numbers;
  for (const std::string& text : texts) numbers.push_back(std::stoll(text));
  return tensor(numbers, x.shape());
}

Tensor IndexLookup::encoded(const Tensor& indices) const {
  if (settings_.output_mode != "tf_idf")
    return category::encoded(indices, settings_.output_mode, depth(), DType::int64);
  const Tensor counts = category::encoded(indices, "count", depth(), floatx());
  return counts * cast(tensor(empty() ? std::vector<double>() : vocabulary_->idf), floatx());
}

Tensor IndexLookup::forward(const Tensor& x, bool) {
  if (x.dtype() == DType::string && (integers_ || settings_.invert)) {
    throw Error(label() + ": whole numbers were expected, got strings");
  }
  if (x.dtype() != DType::string && !integers_ && !settings_.invert) {
    throw Error(label() + ": strings were expected, got " + name_of(x.dtype()));
  }
  require_vocabulary(label());
  if (settings_.invert) return inverted(x);
  const Tensor indices = tensor(looked_up(category::texts(x)), x.shape());
  return settings_.output_mode == "int" ? indices : encoded(indices);
}

void IndexLookup::require_vocabulary(const std::string& owner) const {
  if (!empty()) return;
  // Keras' .h5 files do not hold what adapt() learnt.
  if (settings_.vocabulary_size.value_or(0) > token_start()) {
    throw Error(owner + ": its vocabulary of " + std::to_string(*settings_.vocabulary_size) +
                " tokens was not in the file it came from; set it, or adapt() before it is called");
  }
  throw Error(owner + ": it needs a vocabulary, or adapt() before it is called");
}

std::int64_t IndexLookup::depth() const {
  if (settings_.pad_to_max_tokens) return *settings_.max_tokens;
  return empty() ? settings_.vocabulary_size.value_or(vocabulary_size()) : vocabulary_size();
}

Shape IndexLookup::compute_output_shape(const Shape& input) const {
  return category::encoded_shape(input, settings_.output_mode == "tf_idf" ? "count" : settings_.output_mode, depth());
}

DType IndexLookup::compute_output_dtype(const std::vector<DType>&) const {
  if (settings_.invert && !integers_) return DType::string;
  return settings_.output_mode == "tf_idf" ? floatx() : DType::int64;
}

int IndexLookup::vocabulary_size() const {
  const std::size_t tokens = empty() ? 0 : vocabulary_->tokens.size();
  return static_cast<int>(token_start() + static_cast<std::int64_t>(tokens));
}

std::vector<std::string> IndexLookup::tokens(bool include_special_tokens) const {
  std::vector<std::string> all;
  if (include_special_tokens) {
    if (oov_start() == 1) all.push_back(*settings_.mask_token);
    for (int i = 0; i < settings_.num_oov_indices; ++i) all.push_back(settings_.oov_token.value_or(""));
  }
  if (!empty()) all.insert(all.end(), vocabulary_->tokens.begin(), vocabulary_->tokens.end());
  return all;
}

}  // namespace nyala
