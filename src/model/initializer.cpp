#include <nyala/initializer.hpp>

#include <nyala/initializers.hpp>
#include <nyala/register.hpp>

#include "model/class_registry.hpp"

namespace nyala {

namespace {

class CallableInitializer : public Initializer {
 public:
  explicit CallableInitializer(std::function<Tensor(const Shape&, DType)> make) : make_(std::move(make)) {}
  Tensor operator()(const Shape& shape, DType dtype) override { return make_(shape, dtype); }

 private:
  std::function<Tensor(const Shape&, DType)> make_;
};

std::vector<CatalogueEntry<Initializer>> builtin_initializers() {
  using I = Initializer;
  return {catalogue_entry<I, Zeros>("Zeros", {"zeros", "zero"}),
          catalogue_entry<I, Ones>("Ones", {"ones", "one"}),
          catalogue_entry<I, Constant>("Constant", {"constant"}),
          catalogue_entry<I, initializers::Identity>("Identity", {"identity", "IdentityInitializer"}),
          catalogue_entry<I, RandomNormal>("RandomNormal", {"random_normal", "normal"}),
          catalogue_entry<I, RandomUniform>("RandomUniform", {"random_uniform", "uniform"}),
          catalogue_entry<I, TruncatedNormal>("TruncatedNormal", {"truncated_normal"}),
          catalogue_entry<I, VarianceScaling>("VarianceScaling", {"variance_scaling"}),
          catalogue_entry<I, GlorotUniform>("GlorotUniform", {"glorot_uniform"}),
          catalogue_entry<I, GlorotNormal>("GlorotNormal", {"glorot_normal"}),
          catalogue_entry<I, HeUniform>("HeUniform", {"he_uniform"}),
          catalogue_entry<I, HeNormal>("HeNormal", {"he_normal"}),
          catalogue_entry<I, LecunUniform>("LecunUniform", {"lecun_uniform"}),
          catalogue_entry<I, LecunNormal>("LecunNormal", {"lecun_normal"}),
          catalogue_entry<I, initializers::STFT>("STFT", {"stft", "STFTInitializer"}),
          catalogue_entry<I, Orthogonal>("Orthogonal", {"orthogonal", "OrthogonalInitializer"})};
}

detail::Registry<Initializer>& initializer_registry() {
  static detail::Registry<Initializer> instance("initializer", "keras.initializers", builtin_initializers());
  return instance;
}

}  // namespace

void register_initializer(const std::string& name, Factory<Initializer> make) {
  initializer_registry().add(name, std::move(make));
}

std::shared_ptr<Initializer> resolve(const InitializerRef& ref, const std::string& owner) {
  if (ref.is_name()) return initializer_registry().make(ref.name(), Config::object(), owner);
  if (ref.callable()) return std::make_shared<CallableInitializer>(ref.callable());
  return ref.object();
}

Config to_config(const std::shared_ptr<Initializer>& initializer) {
  if (initializer == nullptr) return {};
  if (dynamic_cast<const CallableInitializer*>(initializer.get()) != nullptr)
    return detail::function_config("<lambda>");
  return initializer_registry().to_config(*initializer, initializer->class_name(), initializer->config());
}

Config to_config(const InitializerRef& ref) {
  if (!ref.is_name() || !initializer_registry().is_builtin(ref.name())) return to_config(resolve(ref, "config"));
  // One that is made without a seed draws it there and then, and what is random in the program would go on otherwise.
  Config config = to_config(initializer_registry().make(ref.name(), Config::object({{"seed", 0}}), "config"));
  if (config.at("config").contains("seed")) config["config"]["seed"] = nullptr;
  return config;
}

InitializerRef initializer_from_config(const Config& config) {
  if (config.is_null()) return {};
  if (detail::is_function_config(config))
    return initializer_registry().make(config.at("config").as_string(), Config(), "config");
  const Config& options = config.is_object() ? config.get("config") : config;
  const Config& generator = options.is_object() ? options.get("seed") : options;
  if (generator.is_object() && generator.get("class_name") == Config("SeedGenerator")) {
    // Keras writes a generator that was handed over as what it began with.
    Config plain = config;
    plain["config"]["seed"] = generator.at("config").get("seed");
    return initializer_registry().from_config(plain, "config");
  }
  return initializer_registry().from_config(config, "config");
}

}  // namespace nyala
