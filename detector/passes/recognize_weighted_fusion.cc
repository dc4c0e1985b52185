// SPDX-License-Identifier: Apache-2.0
// Matching of weighted sums; see recognize_weighted_fusion.h.
#include "detector/passes/recognize_weighted_fusion.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "detector/graph/shape_inference.h"
#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

// weight * value; one number, or one per channel.
struct Term {
  ValueRef value;
  std::vector<double> weight = {1};
  bool scaled = false;
};

class FusionMatcher {
 public:
  explicit FusionMatcher(Graph graph)
      : graph_(std::move(graph)), uses_(graph_), names_(graph_) {}

  StatusOr<Graph> Run() {
    // From the last node on, so that a chain is met at its end. Its inner sums
    // come by later as dead nodes; what becomes of them does not matter.
    for (auto i = static_cast<int64_t>(graph_.nodes.size()) - 1; i >= 0; --i) {
      Rewrite(i);
    }
    return RemoveDeadNodes(std::move(graph_));
  }

 private:
  void Rewrite(int64_t number) {
    const ValueRef root{.node = number, .port = 0};
    const Op op = graph_.node(root).op;
    std::vector<Term> terms;
    if (op == Op::kAdd || op == Op::kAddN) {
      terms = SumTerms(root);
      if (IsResidual(terms)) {
        if (op == Op::kAddN) MakeAdd(number);
        return;
      }
    } else if (op == Op::kSum) {
      terms = PackTerms(root);
    }
    if (terms.size() > 1 && AreCompatible(root, terms)) {
      MakeWeightedSum(number, terms);
    }
  }

  static bool IsResidual(const std::vector<Term>& terms) {
    return terms.size() == 2 && !terms[0].scaled && !terms[1].scaled;
  }

  // An AddN of two as the Add that it is.
  void MakeAdd(int64_t number) {
    const std::vector<ValueRef> inputs =
        graph_.nodes[static_cast<size_t>(number)].inputs;
    Become(graph_, number, Op::kAdd, inputs);
  }

  // The terms of nested sums, left to right.
  std::vector<Term> SumTerms(ValueRef root) const {
    constexpr size_t kMaxTerms = 32;  // keeps a very long chain linear.
    std::vector<Term> terms;
    std::vector<ValueRef> pending = {root};
    while (!pending.empty()) {
      const ValueRef value = pending.back();
      pending.pop_back();
      const Node& node = graph_.node(value);
      const bool is_sum = node.op == Op::kAdd || node.op == Op::kAddN;
      const bool may_open =
          uses_.Single(value) && terms.size() + pending.size() < kMaxTerms;
      if (value != root && !(is_sum && may_open)) {
        terms.push_back(TermOf(value));
        continue;
      }
      pending.insert(pending.end(), node.inputs.rbegin(), node.inputs.rend());
    }
    return terms;
  }

  // A value without the constant factors that only it reads.
  Term TermOf(ValueRef value) const {
    Term term{.value = value};
    while (uses_.Single(term.value) && PeelFactor(term)) {
    }
    return term;
  }

  bool PeelFactor(Term& term) const {
    const Node& node = graph_.node(term.value);
    if (node.op != Op::kMul && node.op != Op::kDiv) return false;
    const Shape* shape = StaticShapeOf(graph_, term.value);
    if (shape == nullptr || shape->empty()) return false;
    for (const size_t side : {size_t{1}, size_t{0}}) {
      if (node.op == Op::kDiv && side == 0) return false;
      const auto factor = ChannelConstant(graph_, node.inputs[side],
                                          shape->back(), std::ssize(*shape));
      if (!factor) continue;
      term.value = node.inputs[1 - side];
      MultiplyInto(term, *factor, node.op == Op::kDiv);
      return true;
    }
    return false;
  }

  static void MultiplyInto(Term& term, const std::vector<double>& factor,
                           bool divide) {
    term.scaled = true;
    if (term.weight.size() < factor.size()) {
      term.weight.resize(factor.size(), term.weight[0]);
    }
    for (size_t c = 0; c < term.weight.size(); ++c) {
      const double f = factor[factor.size() == 1 ? 0 : c];
      term.weight[c] = divide ? term.weight[c] / f : term.weight[c] * f;
    }
  }

  // Sum over the last axis of Pack(x..., axis last) * weights.
  std::vector<Term> PackTerms(ValueRef root) const {
    const Node& sum = graph_.node(root);
    const ValueRef product = sum.inputs[0];
    if (!SumsLastAxis(sum) || !uses_.Single(product) ||
        graph_.node(product).op != Op::kMul) {
      return {};
    }
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const ValueRef pack = graph_.node(product).inputs[side];
      const Tensor* weights =
          ConstantOf(graph_, graph_.node(product).inputs[1 - side]);
      if (weights != nullptr && PacksLastAxis(pack)) {
        return WeighPacked(graph_.node(pack), *weights);
      }
    }
    return {};
  }

  bool SumsLastAxis(const Node& sum) const {
    const Tensor* constant = ConstantOf(graph_, sum.inputs[1]);
    if (constant == nullptr || sum.As<ReduceAttributes>().keep_dims) {
      return false;
    }
    const auto axes = constant->ToInt64s();
    const int64_t rank = RankOf(graph_, sum.inputs[0]);
    return axes.ok() && axes->size() == 1 &&
           ((*axes)[0] == -1 || (*axes)[0] == rank - 1);
  }

  bool PacksLastAxis(ValueRef value) const {
    const Node& node = graph_.node(value);
    if (node.op != Op::kPack || !uses_.Single(value)) return false;
    const int64_t axis = node.As<AxisAttributes>().axis;
    return axis == -1 || axis == RankOf(graph_, node.inputs[0]);
  }

  // Weights [n] or [C,n], leading ones aside; no terms if they are neither.
  std::vector<Term> WeighPacked(const Node& pack, const Tensor& weights) const {
    const Shape* shape = StaticShapeOf(graph_, pack.inputs[0]);
    const auto n = static_cast<int64_t>(pack.inputs.size());
    Shape sides = weights.shape();
    while (!sides.empty() && sides.front() == 1) sides.erase(sides.begin());
    if (shape == nullptr || shape->empty() || sides.empty() ||
        weights.type() != DataType::kFloat32 ||
        weights.shape().size() > shape->size() + 1 || sides.back() != n ||
        sides.size() > 2 || (sides.size() == 2 && sides[0] != shape->back())) {
      return {};
    }
    const int64_t channels = sides.size() == 2 ? sides[0] : 1;
    std::vector<Term> terms;
    for (int64_t i = 0; i < n; ++i) {
      Term term{.value = pack.inputs[static_cast<size_t>(i)], .weight = {}};
      for (int64_t c = 0; c < channels; ++c) {
        term.weight.push_back(
            weights.data<float>()[static_cast<size_t>(c * n + i)]);
      }
      terms.push_back(std::move(term));
    }
    return terms;
  }

  // One float shape throughout, finite weights.
  bool AreCompatible(ValueRef root, const std::vector<Term>& terms) const {
    const Shape* shape = StaticShapeOf(graph_, root);
    if (shape == nullptr || shape->empty()) return false;
    return std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
      const TensorDesc& desc = graph_.desc(term.value);
      return desc.type == DataType::kFloat32 && desc.shape == *shape &&
             std::all_of(term.weight.begin(), term.weight.end(),
                         [](double w) { return std::isfinite(w); });
    });
  }

  void MakeWeightedSum(int64_t number, const std::vector<Term>& terms) {
    size_t channels = 1;
    for (const Term& term : terms) {
      channels = std::max(channels, term.weight.size());
    }
    std::vector<ValueRef> inputs;
    std::vector<double> weights;
    for (const Term& term : terms) {
      inputs.push_back(term.value);
      for (size_t c = 0; c < channels; ++c) {
        weights.push_back(term.weight[term.weight.size() == 1 ? 0 : c]);
      }
    }
    Shape shape = {static_cast<int64_t>(terms.size())};
    if (channels > 1) shape.push_back(static_cast<int64_t>(channels));
    const std::string name = graph_.nodes[static_cast<size_t>(number)].name;
    inputs.push_back(graph_.AddConst(names_.Take(name + "/weights"),
                                     ToFloatTensor(std::move(shape), weights)));
    Become(graph_, number, Op::kWeightedSum, std::move(inputs));
  }

  Graph graph_;
  Uses uses_;
  NamePool names_;
};

}  // namespace

StatusOr<Graph> RecognizeWeightedFusion(Graph graph) {
  CYTO8_ASSIGN_OR_RETURN(graph, RemoveDeadNodes(std::move(graph)));
  CYTO8_ASSIGN_OR_RETURN(graph, InferShapes(std::move(graph)));
  return FusionMatcher(std::move(graph)).Run();
}

}  // namespace cyto8
