#include <unistd.h>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/layers.hpp>
#include <nyala/model.hpp>
#include <nyala/saving.hpp>
#include <nyala/serialization.hpp>

using namespace nyala;

// The numbers are those of Keras 3.15 on TensorFlow.

namespace {

using Texts = std::vector<std::string>;
using Numbers = std::vector<std::int64_t>;

Tensor strings(const Texts& texts, const Shape& shape) { return tensor(texts, shape); }
Tensor one(const LayerRef& layer, const Tensor& x) { return layer->outputs(x)[0]; }
Numbers numbers(const Tensor& x) { return x.to_vector<std::int64_t>(); }
Numbers looked_up(const LayerRef& layer, const Texts& texts) {
  return numbers(one(layer, strings(texts, {1, static_cast<std::int64_t>(texts.size())})));
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

LayerRef again(const LayerRef& layer) {
  return layer_from_config(Config::object({{"class_name", layer->class_name()}, {"config", layer->config()}}));
}

void check_near(const Tensor& got, const std::vector<double>& expected) {
  const std::vector<double> values = got.to_vector<double>();
  REQUIRE_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

}  // namespace

TEST_CASE("hashes are TensorFlow's, of every length") {
  const std::int64_t bins = std::int64_t{1} << 62;
  std::string zq, q1;
  for (int i = 0; i < 20; ++i) zq += "zq";
  for (int i = 0; i < 100; ++i) q1 += "q1";
  const Texts texts{"",
                    "a",
                    "ab",
                    "abcd",
                    "abcdefg",
                    "12345678",
                    "0123456789abcdef",
                    std::string(17, 'x'),
                    std::string(32, 'y'),
                    zq,
                    std::string(64, 'w'),
                    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod",
                    q1,
                    "ü€"};
  CHECK_EQ(
      looked_up(Hashing(bins), texts),
      Numbers{1936946117179621455, 3694432073954588131, 3066228220894225694, 1897425971756105985, 4341691227789030229,
              3430003927990384362, 1493332391325024359, 2082709914559524773, 2351315479247125839, 2019413768356798876,
              4555407945498560506, 2289631365612901659, 1087466278308701590, 3080573604193425368});
  CHECK_EQ(
      looked_up(Hashing(bins, {.salt = {133, 137}}), texts),
      Numbers{316627932347062996, 2466253977694453450, 3814769135020288330, 3196519216900852167, 1733789709272385407,
              1592922254571014780, 4045071960732599654, 4200554822387489122, 1739609714814096713, 1339417561878784833,
              702089228601891224, 3398804405860824135, 3529476309773034089, 1044511607425318668});
  CHECK_EQ(looked_up(Hashing(5, {.mask_value = "", .salt = {7}}), {"a", "", "b"}), Numbers{3, 0, 2});
  CHECK_EQ(numbers(one(Hashing(5, {.output_mode = "multi_hot"}), tensor({{1, 2, 3}, {4, 5, -6}}))),
           Numbers{0, 1, 0, 0, 1, 0, 1, 0, 1, 0});
}

TEST_CASE("crossed features fall into TensorFlow's bins") {
  const LayerRef crossing = HashedCrossing(1000);
  const Tensor a = strings({"a", "bc", "d"}, {3}), b = strings({"x", "y", "zz"}, {3});
  const Tensor i = tensor(std::vector<std::int64_t>{5, 6, 7}), j = tensor(std::vector<std::int64_t>{1, 2, -3});
  CHECK_EQ(numbers(crossing->outputs({a, b})[0]), Numbers{892, 858, 242});
  CHECK_EQ(numbers(crossing->outputs({a, j})[0]), Numbers{485, 127, 331});
  CHECK_EQ(numbers(crossing->outputs({i, j})[0]), Numbers{815, 304, 682});
}

TEST_CASE("string lookup: every output mode") {
  const Tensor x = strings({"a", "b", "c", "z"}, {2, 2});
  const Texts vocabulary{"a", "b", "c"};
  const auto made = [&](const std::string& mode) {
    return LayerRef(StringLookup({.vocabulary = vocabulary, .output_mode = mode}));
  };
  CHECK_EQ(numbers(one(made("int"), x)), Numbers{1, 2, 3, 0});
  CHECK_EQ(numbers(one(made("multi_hot"), x)), Numbers{0, 1, 1, 0, 1, 0, 0, 1});
  CHECK_EQ(numbers(one(made("count"), x)), Numbers{0, 1, 1, 0, 1, 0, 0, 1});
  CHECK_EQ(numbers(one(made("one_hot"), strings({"a", "z"}, {2, 1}))), Numbers{0, 1, 0, 0, 1, 0, 0, 0});
  const LayerRef weighted =
      StringLookup({.vocabulary = vocabulary, .idf_weights = {0.5, 0.25, 0.125}, .output_mode = "tf_idf"});
  check_near(one(weighted, x), {0.0, 0.5, 0.25, 0.0, 0.2916666567325592, 0.0, 0.0, 0.125});
  CHECK_EQ(
      looked_up(StringLookup({.num_oov_indices = 3, .vocabulary = {"a", "b"}, .salt = {1, 2}}), {"q", "w", "e", "r"}),
      Numbers{0, 0, 1, 0});
  const LayerRef masked = StringLookup({.num_oov_indices = 3, .mask_token = "", .vocabulary = {"a", "b"}});
  CHECK_EQ(looked_up(masked, {"q", "w", "e", "r", ""}), Numbers{3, 3, 2, 2, 0});
  const LayerRef back = StringLookup({.vocabulary = {"a", "b"}, .invert = true});
  CHECK_EQ(one(back, tensor({{0, 1, 2, 9}})).to_strings(), Texts{"[UNK]", "a", "b", "[UNK]"});
  for (const LayerRef& layer : {made("count"), weighted, masked, back})
    CHECK(again(layer)->config() == layer->config());
}

TEST_CASE("lookups learn the most frequent tokens first") {
  StringLookup lookup;
  lookup.adapt(strings({"b", "a", "b", "c", "c"}, {5}));
  CHECK_EQ(lookup.get_vocabulary(), Texts{"[UNK]", "c", "b", "a"});
  CHECK_EQ(lookup.vocabulary_size(), 4);
  IntegerLookup small({.max_tokens = 3});
  small.adapt(tensor({{3, 3, 5, 7, 7, 7}}));
  CHECK_EQ(small.get_vocabulary(), Numbers{-1, 7, 3});
  const LayerRef integers = IntegerLookup({.num_oov_indices = 3, .mask_token = 0, .vocabulary = {12, 36}});
  CHECK_EQ(numbers(one(integers, tensor({{12, 36, 0, 7, -5}}))), Numbers{4, 5, 0, 2, 2});
  CHECK(again(integers)->config() == integers->config());
}

TEST_CASE("text vectorization") {
  const Tensor texts = strings({"Hello, big World!", "hello  world\tagain"}, {2});
  TextVectorization pairs({.ngrams = {2}});
  pairs.adapt(texts);
  CHECK_EQ(pairs.get_vocabulary(), Texts{"", "[UNK]", "world", "hello", "world again", "hello world", "hello big",
                                         "big world", "big", "again"});
  const LayerRef layer = pairs;
  CHECK_EQ(numbers(one(layer, strings({"big world again", "nothing"}, {2}))), Numbers{8, 2, 9, 7, 4, 1, 0, 0, 0, 0});
  TextVectorization weighted({.output_mode = "tf_idf"});
  weighted.adapt(texts);
  check_near(one(weighted, strings({"big world again", "nothing world world"}, {2})),
             {0.0, 0.5108256340026855, 0.0, 0.6931471824645996, 0.6931471824645996, 0.6019864082336426,
              1.021651268005371, 0.0, 0.0, 0.0});
  const LayerRef counts =
      TextVectorization({.max_tokens = 6, .output_mode = "count", .pad_to_max_tokens = true, .vocabulary = {"a", "b"}});
  CHECK_EQ(numbers(one(counts, strings({"a b a", "c"}, {2, 1}))), Numbers{0, 2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0});
  CHECK(again(counts)->config() == counts->config());
  const LayerRef cut = TextVectorization({.split = "character", .output_sequence_length = 3, .vocabulary = {"a", "ü"}});
  CHECK_EQ(numbers(one(cut, strings({"aüaa", ""}, {2}))), Numbers{2, 3, 2, 0, 0, 0});
}

TEST_CASE("categories encoded") {
  CHECK_EQ(numbers(one(CategoryEncoding(4), tensor({{0, 1}, {3, 3}}))), Numbers{1, 1, 0, 0, 0, 0, 0, 1});
  CHECK_EQ(numbers(one(CategoryEncoding(4, {.output_mode = "count"}), tensor({{0, 1}, {3, 3}}))),
           Numbers{1, 1, 0, 0, 0, 0, 0, 2});
  CHECK_EQ(one(CategoryEncoding(3, {.output_mode = "one_hot"}), tensor({0, 2})).to_vector<int>(),
           std::vector<int>{1, 0, 0, 0, 0, 1});
  const LayerRef counts = CategoryEncoding(3, {.output_mode = "count"});
  check_near(counts->outputs({tensor({{0, 1, 1}}), tensor({{0.5, 1.0, 0.25}})})[0], {0.5, 1.25, 0.0});
  Discretization learnt({.num_bins = 4, .epsilon = 0.1});
  std::vector<double> data;
  for (int i = 0; i < 37; ++i) data.push_back(std::pow(i, 1.5));
  learnt.adapt(tensor(data));
  const Config boundaries = learnt.config().at("bin_boundaries");
  CHECK_EQ(boundaries.json(), "[23.349933624267578, 70.09280395507812, 132.97198486328125]");
  const LayerRef bins = Discretization({.bin_boundaries = std::vector<double>{0.0, 1.0, 2.0}});
  CHECK_EQ(numbers(one(bins, tensor({{-1.5, 1.0, 3.4}, {0.5, 3.0, 1.3}}))), Numbers{0, 2, 3, 1, 3, 2});
  CHECK(again(bins)->config() == bins->config());
}

TEST_CASE("vocabularies in files, from Keras and back") {
  const std::string folder = NYALA_SOURCE_DIR "/tests/golden/files/";
  Model words = load_model(folder + "string_lookup.keras");
  const Tensor x = strings({"a", "c", "new"}, {3, 1});
  const Tensor table = words.get_weights().front();
  const Tensor expected = take(table.to(default_device()), tensor({3, 1, 0}), 0);
  const auto same = [](const Tensor& a, const Tensor& b) { return a.to_vector<float>() == b.to_vector<float>(); };
  CHECK(same(words.predict(x).only(), expected));
  Model texts = load_model(folder + "text_vectorization.keras");
  const Tensor y = strings({"big world again", "nothing world world"}, {2, 1});
  const std::vector<Tensor> weights = texts.get_weights();
  const Tensor counts = tensor({{0.0, 0.5108256340026855, 0.0, 0.6931471824645996, 0.6931471824645996},
                                {0.6019864082336426, 1.021651268005371, 0.0, 0.0, 0.0}});
  const Tensor dense = matmul(cast(counts.to("cpu"), DType::float32), weights[0]) + weights[1];
  CHECK(max(abs(texts.predict(y).only() - dense)).item<float>() < 1e-5F);
  // Of this process: the suite runs for several instruction sets at once.
  const std::string path = "categories_test_" + std::to_string(::getpid()) + ".keras";
  for (Model* model : {&words, &texts}) {
    const Tensor& input = model == &words ? x : y;
    model->save(path);
    Model loaded = load_model(path);
    CHECK(same(loaded.predict(input).only(), model->predict(input).only()));
  }
  std::remove(path.c_str());
}

TEST_CASE("a model on texts trains, shuffled and with a part held back") {
  const std::vector<std::string> texts{"a wonderful film", "a terrible film", "great acting, wonderful", "boring"};
  TextVectorization vectorize({.max_tokens = 20, .output_sequence_length = 4});
  vectorize.adapt(tensor(texts));
  Sequential model{vectorize, Embedding(20, 4, {.mask_zero = true}), GlobalAveragePooling1D(),
                   Dense(1, {.activation = "sigmoid"})};
  model.compile("adam", "binary_crossentropy");
  const History history = model.fit(tensor(texts), tensor({1, 0, 1, 0}),
                                    {.epochs = 2, .batch_size = 2, .verbose = 0, .validation_split = 0.25});
  CHECK(std::isfinite(history["val_loss"].back()));
  const Tensor picked = take(tensor(texts), tensor({{3, -4}}), 0);
  CHECK(picked.shape() == Shape{1, 2});
  CHECK(picked.to_strings() == std::vector<std::string>{"boring", "a wonderful film"});
}

TEST_CASE("lookups name what they refuse") {
  CHECK_EQ(refusal([] { StringLookup({.max_tokens = 1}); }), "StringLookup: max_tokens must be above 1, got 1");
  CHECK(refusal([] {
          StringLookup({.vocabulary = {"a", "a"}});
        }).find("the vocabulary has \"a\" twice") != std::string::npos);
  CHECK_EQ(refusal([] { StringLookup({.vocabulary = {"a"}, .invert = true, .output_mode = "count"}); }),
           "StringLookup: invert needs output_mode \"int\", got \"count\"");
  CHECK(refusal([] {
          looked_up(StringLookup({.num_oov_indices = 0, .vocabulary = {"a"}}), {"b"});
        }).find("\"b\" is not in the vocabulary, and num_oov_indices is 0") != std::string::npos);
  CHECK(refusal([] { LayerRef(StringLookup({.vocabulary = {"a"}}))(ones({2})); }).find("strings were expected") !=
        std::string::npos);
  CHECK_EQ(refusal([] { Hashing(0); }), "Hashing: num_bins must be positive, got 0");
  CHECK_EQ(refusal([] { CategoryEncoding(0); }), "CategoryEncoding: num_tokens must be positive, got 0");
  CHECK_EQ(refusal([] { Discretization(DiscretizationOptions{}); }),
           "Discretization: bin_boundaries or num_bins must be given");
}

TEST_CASE("lookups without a vocabulary say so") {
  const Tensor words = tensor(std::vector<std::string>{"a", "b"}, {2, 1});
  for (const LayerRef& layer : {LayerRef(TextVectorization({.output_mode = "tf_idf"})), LayerRef(TextVectorization()),
                                LayerRef(StringLookup()), LayerRef(StringLookup({.output_mode = "multi_hot"}))}) {
    CAPTURE(layer->class_name());
    CHECK_THROWS_WITH_AS((*layer)(words), doctest::Contains("needs a vocabulary, or adapt()"), Error);
  }
  // As Keras' .h5 has it after adapt().
  const Config config = Config::object({{"name", "words"}, {"vocabulary_size", 9}, {"output_sequence_length", 3}});
  const LayerRef read = TextVectorization::from_config(config);
  CHECK_THROWS_WITH_AS((*read)(words), doctest::Contains("vocabulary of 9 tokens was not in the file"), Error);
}
