#include "backend/cuda/batch_norm_graph.hpp"

#include <array>
#include <vector>

#include <nyala/backend.hpp>

#include "backend/cuda/cudnn/graph_builder.hpp"
#include "backend/cuda/lru_cache.hpp"

// Which graphs cuDNN has engines for: NormAddRelu, whose last two parts are optional, in training; its gradient alone
// (DReluForkDNorm without its first part, which wants a mask of bits); in inference a chain of pointwise operations.
// https://docs.nvidia.com/deeplearning/cudnn/frontend/latest/developer/graph-api.html

namespace nyala::backend::cuda {
namespace {

enum NormTensor : std::int64_t {
  norm_x = 1,
  norm_y,
  norm_gamma,
  norm_beta,
  norm_mean,
  norm_inverse,
  norm_epsilon,
  norm_gradient,
  norm_dx,
  norm_dgamma,
  norm_dbeta,
  norm_residual
};

class BatchNormGraph {
 public:
  using Place = GraphBuilder::Place;

  explicit BatchNormGraph(const BatchNormProblem& problem) : p_(problem), graph_(problem.alignment) {}

  void build(BatchNormPass pass) {
    if (pass == BatchNormPass::training) return training();
    if (pass == BatchNormPass::backward) return backward();
    inference();
  }
  Plan plan(Context& context, const EngineRules& rules) && { return std::move(graph_).plan(context, rules); }

 private:
  /// Samples of one place each.
  ChannelsLast layout(std::int64_t rows) const {
    const std::array<std::int64_t, 2> place{1, 1};
    return {rows, p_.channels, place};
  }
  Place whole(std::int64_t id) {
    const auto [dimensions, strides] = layout(p_.rows);
    return graph_.stored(id, dnn_type(p_.dtype), dimensions, strides);
  }
  Place passing() {
    const auto [dimensions, strides] = layout(p_.rows);
    return graph_.passing(CUDNN_DATA_FLOAT, dimensions, strides);
  }
  Place per_channel(std::int64_t id) {
    const auto [dimensions, strides] = layout(1);
    return graph_.stored(id, CUDNN_DATA_FLOAT, dimensions, strides);
  }

  void training() {
    const Place x = whole(norm_x), y = p_.activated ? passing() : whole(norm_y), gamma = per_channel(norm_gamma),
                beta = per_channel(norm_beta), mean = per_channel(norm_mean), inverse = per_channel(norm_inverse),
                epsilon = graph_.number(norm_epsilon, 4);
    Descriptor made(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
    made.set(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_TYPE_NORM_MODE, CUDNN_BATCH_NORM)
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_TYPE_NORM_FWD_PHASE, CUDNN_NORM_FWD_TRAINING)
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, graph_.at(x))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, graph_.at(mean))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC, graph_.at(inverse))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, graph_.at(gamma))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC, graph_.at(beta))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, graph_.at(epsilon))
        .set(CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, graph_.at(y));
    graph_.operation(std::move(made));
    if (!p_.activated) return;
    Place sum = y;
    if (p_.residual) {
      sum = passing();
      graph_.pointwise({CUDNN_POINTWISE_ADD}, {y, whole(norm_residual)}, sum);
    }
    graph_.pointwise({CUDNN_POINTWISE_RELU_FWD}, {sum}, whole(norm_y));
  }

  void backward() {
    const Place x = whole(norm_x), gradient = whole(norm_gradient), dx = whole(norm_dx),
                gamma = per_channel(norm_gamma), mean = per_channel(norm_mean), inverse = per_channel(norm_inverse),
                dgamma = per_channel(norm_dgamma), dbeta = per_channel(norm_dbeta);
    Descriptor made(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
    made.set(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_TYPE_NORM_MODE, CUDNN_BATCH_NORM)
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, graph_.at(x))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, graph_.at(mean))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC, graph_.at(inverse))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC, graph_.at(gradient))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, graph_.at(gamma))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC, graph_.at(dgamma))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC, graph_.at(dbeta))
        .set(CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, graph_.at(dx));
    graph_.operation(std::move(made));
  }

  /// (x - mean) * gamma / deviation + beta
  void inference() {
    const Place x = whole(norm_x), mean = per_channel(norm_mean), gamma = per_channel(norm_gamma),
                beta = per_channel(norm_beta);
    const Place off = passing(), scaled = passing(), y = whole(norm_y);
    graph_.pointwise({CUDNN_POINTWISE_SUB}, {x, mean}, off);
    graph_.pointwise({CUDNN_POINTWISE_MUL}, {off, gamma}, scaled);
    graph_.pointwise({CUDNN_POINTWISE_ADD}, {scaled, beta}, y);
  }

  const BatchNormProblem& p_;
  GraphBuilder graph_;
};

Plan& plan_of(Context& context, BatchNormPass pass, const BatchNormProblem& p) {
  static_cast<void>(context.dnn());         // before the plans, so that it goes after them
  thread_local LruCache<Plan> plans(1024);  // of networks whose blocks grow layer by layer all, as they come in turn
  const EngineRules rules{.no_rounded_inputs = p.dtype == DType::float32, .deterministic = op_determinism_enabled()};
  const PlanKey key{context.index(),
                    static_cast<std::int64_t>(pass),
                    static_cast<std::int64_t>(p.dtype),
                    p.rows,
                    p.channels,
                    p.alignment,
                    p.activated,
                    p.residual,
                    rules.deterministic};
  return plans.get(key, [&] {
    BatchNormGraph graph(p);
    graph.build(pass);
    return std::move(graph).plan(context, rules);
  });
}

}  // namespace

bool batch_norm_has_plan(Context& context, BatchNormPass pass, const BatchNormProblem& problem) {
  return plan_of(context, pass, problem).ready();
}

bool run_batch_norm(Context& context, BatchNormPass pass, const BatchNormProblem& problem, const BatchNormMemory& m) {
  float epsilon = m.epsilon;
  std::vector<std::int64_t> ids{norm_x, norm_gamma, norm_mean};
  std::vector<void*> pointers{m.x, m.gamma, m.mean};
  const auto add = [&](std::int64_t id, void* pointer) {
    ids.push_back(id);
    pointers.push_back(pointer);
  };
  if (pass == BatchNormPass::backward) {
    add(norm_inverse, m.inverse_deviation);
    add(norm_gradient, m.gradient);
    add(norm_dx, m.dx);
    add(norm_dgamma, m.dgamma);
    add(norm_dbeta, m.dbeta);
  } else {
    add(norm_y, m.y);
    add(norm_beta, m.beta);
  }
  if (pass == BatchNormPass::training) {
    add(norm_inverse, m.inverse_deviation);
    add(norm_epsilon, &epsilon);
    if (problem.residual) add(norm_residual, m.residual);
  }
  return plan_of(context, pass, problem).run(context, ids, pointers);
}

}  // namespace nyala::backend::cuda
