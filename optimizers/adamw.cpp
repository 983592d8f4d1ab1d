#include <nyala/optimizers/adamw.hpp>

#include <nyala/error.hpp>

namespace nyala {

namespace {

AdamOptions adam_options(AdamWOptions o) {
  if (!o.weight_decay) throw Error("AdamW: weight_decay must be a number; Adam does without");
  return {.learning_rate = std::move(o.learning_rate),
          .beta_1 = o.beta_1,
          .beta_2 = o.beta_2,
          .epsilon = o.epsilon,
          .amsgrad = o.amsgrad,
          .weight_decay = o.weight_decay,
          .clipnorm = o.clipnorm,
          .clipvalue = o.clipvalue,
          .global_clipnorm = o.global_clipnorm,
          .use_ema = o.use_ema,
          .ema_momentum = o.ema_momentum,
          .ema_overwrite_frequency = o.ema_overwrite_frequency,
          .loss_scale_factor = o.loss_scale_factor,
          .gradient_accumulation_steps = o.gradient_accumulation_steps,
          .name = std::move(o.name)};
}

}  // namespace

AdamW::AdamW(AdamWOptions options) : Adam(adam_options(std::move(options)), "adam_w") {}

AdamW AdamW::from_config(const Config& config) {
  AdamWOptions o = with_common(AdamWOptions(), config);
  o.beta_1 = config.get("beta_1", o.beta_1);
  o.beta_2 = config.get("beta_2", o.beta_2);
  o.epsilon = config.get("epsilon", o.epsilon);
  o.amsgrad = config.get("amsgrad", o.amsgrad);
  return AdamW(std::move(o));
}

}  // namespace nyala
