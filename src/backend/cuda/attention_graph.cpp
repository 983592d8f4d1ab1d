#include "backend/cuda/attention_graph.hpp"

#include <limits>
#include <vector>

#include <nyala/backend.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/cuda/cudnn/graph_builder.hpp"
#include "backend/cuda/lru_cache.hpp"

// cuDNN's engines know attention as graphs of these nodes in this order, with these shapes, strides and types between
// them: read off NVIDIA's open cudnn-frontend (scaled_dot_product_flash_attention.h), since the documentation of the
// library itself names results and not nodes.

namespace nyala::backend::cuda {
namespace {

enum TensorId : std::int64_t {
  id_query = 1,
  id_key,
  id_value,
  id_out,
  id_stats,
  id_bias,
  id_scale,
  id_hidden,
  id_one,
  id_gradient,
  id_dquery,
  id_dkey,
  id_dvalue,
  id_row_sums,
  id_dquery_sums
};

class AttentionGraph {
 public:
  using Numbers = GraphBuilder::Numbers;
  using Place = GraphBuilder::Place;

  explicit AttentionGraph(const AttentionProblem& problem) : p_(problem), type_(dnn_type(problem.dtype)) {}

  void forward(bool stats) {
    const Place query = by_head(id_query, p_.rows, p_.heads, p_.dim);
    const Place key = turned(id_key, p_.columns, p_.groups, p_.dim);
    const Place scores = visible(biased(scaled(product(query, key))));
    const Place largest = per_row();
    graph_.reduction(CUDNN_REDUCE_TENSOR_MAX, scores, largest);
    const Place powers = exponential(applied(CUDNN_POINTWISE_SUB, scores, largest));
    const Place sum = per_row();
    graph_.reduction(CUDNN_REDUCE_TENSOR_ADD, powers, sum);
    if (stats) {
      const Place logarithm = per_row();
      graph_.pointwise({CUDNN_POINTWISE_LOG}, {sum}, logarithm);
      graph_.pointwise({CUDNN_POINTWISE_ADD}, {largest, logarithm}, stored_per_row(id_stats));
    }
    const Place weights = graph_.passing(type_, all_scores());
    graph_.pointwise({CUDNN_POINTWISE_DIV}, {powers, sum}, weights);
    graph_.matmul(weights, by_head(id_value, p_.columns, p_.groups, p_.width),
                  by_head(id_out, p_.rows, p_.heads, p_.width));
  }

  void backward() {
    const Place gradient = by_head(id_gradient, p_.rows, p_.heads, p_.width);
    const Place row_sums = sums_of_rows(gradient);
    const Place query = by_head(id_query, p_.rows, p_.heads, p_.dim);
    const Place key = turned(id_key, p_.columns, p_.groups, p_.dim);
    const Place scale = graph_.number(id_scale, 4);
    const Place scores = biased(scaled(product(query, key), scale));
    const Place weights = exponential(visible(applied(CUDNN_POINTWISE_SUB, scores, stored_per_row(id_stats))));
    of_keys(weights, gradient, id_dvalue, p_.width);

    const Place value = turned(id_value, p_.columns, p_.groups, p_.width);
    const Place centred = applied(CUDNN_POINTWISE_SUB, product(gradient, value), row_sums);
    const Place dscores = scaled(applied(CUDNN_POINTWISE_MUL, centred, weights), scale);
    of_keys(dscores, query, id_dkey, p_.dim);

    const Place upright =
        graph_.passing(type_, {p_.batch, p_.groups, p_.columns, p_.dim}, strides(p_.columns, p_.groups, p_.dim));
    graph_.reshape(key, upright);
    const Place sums = graph_.stored(id_dquery_sums, CUDNN_DATA_FLOAT, {p_.batch, p_.heads, p_.rows, p_.dim},
                                     {p_.heads * p_.rows * p_.dim, p_.rows * p_.dim, p_.dim, 1});
    graph_.matmul(dscores, upright, sums);
    graph_.pointwise({CUDNN_POINTWISE_IDENTITY}, {sums}, by_head(id_dquery, p_.rows, p_.heads, p_.dim));
  }

  Plan plan(Context& context, const EngineRules& rules) && { return std::move(graph_).plan(context, rules); }

 private:
  /// Of (batch, time, heads, dim) in memory, seen as (batch, heads, time, dim).
  static Numbers strides(std::int64_t time, std::int64_t heads, std::int64_t dim) {
    return {time * heads * dim, dim, heads * dim, 1};
  }
  Place by_head(std::int64_t id, std::int64_t time, std::int64_t heads, std::int64_t dim) {
    return graph_.stored(id, type_, {p_.batch, heads, time, dim}, strides(time, heads, dim));
  }
  /// (batch, heads, dim, time)
  Place turned(std::int64_t id, std::int64_t time, std::int64_t heads, std::int64_t dim) {
    return graph_.stored(id, type_, {p_.batch, heads, dim, time}, {time * heads * dim, dim, 1, heads * dim});
  }
  Numbers all_scores() const { return {p_.batch, p_.heads, p_.rows, p_.columns}; }
  Place passing_scores(cudnnDataType_t type = CUDNN_DATA_FLOAT) { return graph_.passing(type, all_scores()); }
  Place per_row() { return graph_.passing(CUDNN_DATA_FLOAT, {p_.batch, p_.heads, p_.rows, 1}); }
  Place stored_per_row(std::int64_t id) {
    return graph_.stored(id, CUDNN_DATA_FLOAT, {p_.batch, p_.heads, p_.rows, 1}, {p_.heads * p_.rows, p_.rows, 1, 1});
  }

  Place product(Place a, Place b) {
    const Place made = passing_scores();
    graph_.matmul(a, b, made);
    return made;
  }
  Place applied(cudnnPointwiseMode_t mode, Place x, Place b) {
    const Place made = passing_scores();
    graph_.pointwise({mode}, {x, b}, made);
    return made;
  }
  Place exponential(Place x) {
    const Place made = passing_scores();
    graph_.pointwise({CUDNN_POINTWISE_EXP}, {x}, made);
    return made;
  }
  Place scaled(Place scores, Place scale) { return applied(CUDNN_POINTWISE_MUL, scores, scale); }
  Place scaled(Place scores) { return scaled(scores, graph_.number(id_scale, 4)); }
  Place biased(Place scores) {
    if (p_.bias_batch == 0) return scores;
    const std::int64_t cells = p_.rows * p_.columns;
    return applied(CUDNN_POINTWISE_ADD, scores,
                   graph_.stored(id_bias, type_, {p_.bias_batch, p_.bias_heads, p_.rows, p_.columns},
                                 {p_.bias_heads * cells, cells, p_.columns, 1}));
  }
  /// -inf for columns beyond the row.
  Place visible(Place scores) {
    if (!p_.causal) return scores;
    const Place row = passing_scores(CUDNN_DATA_INT32), column = passing_scores(CUDNN_DATA_INT32);
    graph_.pointwise({CUDNN_POINTWISE_GEN_INDEX, CUDNN_DATA_FLOAT, 2}, {scores}, row);
    graph_.pointwise({CUDNN_POINTWISE_GEN_INDEX, CUDNN_DATA_FLOAT, 3}, {scores}, column);
    const Place past = passing_scores(CUDNN_DATA_BOOLEAN), made = passing_scores();
    graph_.pointwise({CUDNN_POINTWISE_CMP_GE, CUDNN_DATA_BOOLEAN}, {row, column}, past);
    graph_.pointwise({CUDNN_POINTWISE_BINARY_SELECT}, {scores, graph_.number(id_hidden, 4), past}, made);
    return made;
  }
  /// Of gradient · output, by which the softmax's gradient is centred.
  Place sums_of_rows(Place gradient) {
    const Place both = graph_.passing(CUDNN_DATA_FLOAT, {p_.batch, p_.heads, p_.rows, p_.width});
    graph_.pointwise({CUDNN_POINTWISE_MUL}, {gradient, by_head(id_out, p_.rows, p_.heads, p_.width)}, both);
    const Place sums = per_row(), made = stored_per_row(id_row_sums);
    graph_.reduction(CUDNN_REDUCE_TENSOR_ADD, both, sums);
    // Where dropout would undo its factor; the engines want the node all the same.
    graph_.pointwise({CUDNN_POINTWISE_MUL}, {sums, graph_.number(id_one, 4)}, made);
    return made;
  }
  /// scoresᵀ · x, summed over the heads that share a key.
  void of_keys(Place scores, Place x, std::int64_t id, std::int64_t dim) {
    const std::int64_t cells = p_.rows * p_.columns;
    const Place across =
        graph_.passing(type_, {p_.batch, p_.heads, p_.columns, p_.rows}, {p_.heads * cells, cells, 1, p_.columns});
    graph_.reshape(scores, across);
    const Place result = by_head(id, p_.columns, p_.groups, dim);
    if (p_.heads == p_.groups) return graph_.matmul(across, x, result);
    const Place each = graph_.passing(type_, {p_.batch, p_.heads, p_.columns, dim});
    graph_.matmul(across, x, each);
    graph_.reduction(CUDNN_REDUCE_TENSOR_ADD, each, result);
  }

  const AttentionProblem& p_;
  cudnnDataType_t type_;
  GraphBuilder graph_{16};
};

Plan& plan_of(Context& context, const AttentionProblem& p, AttentionPass pass) {
  static_cast<void>(context.dnn());  // before the plans, so that it goes after them
  thread_local LruCache<Plan> plans(128);
  const EngineRules rules{.no_rounded_inputs = false, .deterministic = op_determinism_enabled()};
  const PlanKey key{context.index(),
                    static_cast<std::int64_t>(pass),
                    static_cast<std::int64_t>(p.dtype),
                    p.batch,
                    p.rows,
                    p.columns,
                    p.heads,
                    p.groups,
                    p.dim,
                    p.width,
                    p.bias_batch,
                    p.bias_heads,
                    p.causal,
                    rules.deterministic};
  return plans.get(key, [&] {
    AttentionGraph graph(p);
    if (pass == AttentionPass::backward)
      graph.backward();
    else
      graph.forward(pass == AttentionPass::training);
    return std::move(graph).plan(context, rules);
  });
}

}  // namespace

bool attention_supported(const Context& context, const AttentionProblem& p, bool training) {
  const auto fits = [](std::int64_t size) { return size % 8 == 0 && size <= 128; };
  if (!is_half(p.dtype) || !fits(p.dim) || !fits(p.width) || context.compute_capability() < 80) return false;
  const std::size_t version = cudnnGetVersion();
  // 9.10 had wrong results, what lies before it wants other values for hidden scores.
  if (version < 91100 || (p.causal && p.rows == 1)) return false;
  if (!training) return true;
  // Up to 9.15 the backward needs the keys' number to be a multiple of its tiles, or lengths of sequences.
  if (p.columns % 128 != 0 && version <= 91500) return false;
  return p.rows > 1 || p.columns > 1;
}

bool attention_has_plan(Context& context, const AttentionProblem& problem, AttentionPass pass) {
  return plan_of(context, problem, pass).ready();
}

bool run_attention(Context& context, const AttentionProblem& p, AttentionPass pass, const AttentionMemory& m) {
  float scale = m.scale, hidden = -std::numeric_limits<float>::infinity(), one = 1.0F;
  std::vector<std::int64_t> ids{id_query, id_key, id_value, id_out, id_scale};
  std::vector<void*> pointers{m.query, m.key, m.value, m.out, &scale};
  const auto add = [&](std::int64_t id, void* pointer) {
    ids.push_back(id);
    pointers.push_back(pointer);
  };
  if (pass != AttentionPass::inference) add(id_stats, m.stats);
  if (p.bias_batch != 0) add(id_bias, m.bias);
  if (p.causal) add(id_hidden, &hidden);
  Scratch row_sums, dquery_sums;
  if (pass == AttentionPass::backward) {
    row_sums = context.scratch_of<float>(p.batch * p.heads * p.rows);
    dquery_sums = context.scratch_of<float>(p.batch * p.heads * p.rows * p.dim);
    add(id_one, &one);
    add(id_gradient, m.gradient);
    add(id_dquery, m.dquery);
    add(id_dkey, m.dkey);
    add(id_dvalue, m.dvalue);
    add(id_row_sums, row_sums.data());
    add(id_dquery_sums, dquery_sums.data());
  }
  return plan_of(context, p, pass).run(context, ids, pointers);
}

}  // namespace nyala::backend::cuda
