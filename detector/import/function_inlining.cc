// SPDX-License-Identifier: Apache-2.0
// Inlining of library functions; see function_inlining.h.
#include "detector/import/function_inlining.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/checked_math.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

using NodeDefs = google::protobuf::RepeatedPtrField<tf::NodeDef>;
using FunctionMap =
    std::unordered_map<std::string_view, const tf::FunctionDef*>;

Status AtNode(const Status& status, const std::string& name,
              const std::string& op) {
  return Annotate(status, "node \"" + name + "\" (" + op + ")");
}

// Operators that say nothing about the network when nobody reads them.
bool IsNeverAnOutput(std::string_view op) {
  constexpr std::array<std::string_view, 15> kOps = {"Const",
                                                     "Placeholder",
                                                     "PlaceholderWithDefault",
                                                     "NoOp",
                                                     "Assign",
                                                     "AssignVariableOp",
                                                     "Assert",
                                                     "PrintV2",
                                                     "VarHandleOp",
                                                     "VariableV2",
                                                     "Variable",
                                                     "SaveV2",
                                                     "VarIsInitializedOp",
                                                     "NextIteration",
                                                     "MergeV2Checkpoints"};
  return std::ranges::find(kOps, op) != kOps.end();
}

// The function is named by an attribute instead of the operator.
bool IsIndirectCall(std::string_view op) {
  return op == "PartitionedCall" || op == "StatefulPartitionedCall";
}

// "^name", "name", "name:1", and in function bodies also "name:out:1".
struct InputText {
  std::string_view node;
  std::string_view output_name = {};  // empty outside function bodies.
  int64_t port = 0;
  bool is_control = false;
};

StatusOr<int64_t> ParsePort(std::string_view text) {
  const StatusOr<int64_t> port = ParseInt64(text);
  if (!port.ok()) {
    return InvalidArgument("output number \"" + std::string(text) +
                           "\": must be in [0, " +
                           std::to_string(kMaxNodePorts - 1) + "]");
  }
  CYTO8_RETURN_IF_ERROR(
      CheckRange("output number", *port, 0, kMaxNodePorts - 1));
  return *port;
}

StatusOr<InputText> ParseInput(std::string_view text, bool in_function) {
  InputText input;
  if (text.starts_with('^')) {
    return InputText{.node = text.substr(1), .is_control = true};
  }
  const size_t first = text.find(':');
  input.node = text.substr(0, first);
  if (first == std::string_view::npos) return input;
  std::string_view rest = text.substr(first + 1);
  if (in_function) {
    const size_t second = rest.find(':');
    input.output_name = rest.substr(0, second);
    if (second == std::string_view::npos) return input;
    rest = rest.substr(second + 1);
  }
  CYTO8_ASSIGN_OR_RETURN(input.port, ParsePort(rest));
  return input;
}

// Where the outputs of one NodeDef lie in the flat list.
struct Placement {
  const tf::NodeDef* def = nullptr;
  const tf::FunctionDef* function = nullptr;  // of a call that is inlined.
  int64_t first = 0;
  // Outputs are `count` identities from `first` on; else the ports of `first`.
  bool is_split = false;
  int64_t count = 0;
  std::vector<std::string> seen_outputs;  // see PortOfNamedOutput().
  bool is_read = false;
};

// A list of nodes with what their input texts may name: the main graph, or the
// body of a function for one call of it.
struct Body {
  const NodeDefs* nodes = nullptr;
  std::string prefix = {};  // of node names: "call/".
  const AttributeScope* caller = nullptr;
  bool is_function = false;
  std::map<std::string, ValueRef, std::less<>> arguments = {};
  std::vector<Placement> placements = {};  // one per NodeDef.
  std::unordered_map<std::string_view, size_t> index_of = {};
};

class Inliner {
 public:
  Inliner(const FunctionMap& functions, const Limits& limits)
      : functions_(functions), limits_(limits) {}

  StatusOr<FlatGraph> Run(const tf::GraphDef& graph_def);

 private:
  Status ExpandBody(Body& body, int depth);
  Status PlaceNodes(Body& body);
  Status PlaceNode(const tf::NodeDef& def, Body& body);
  Status PlaceSplit(Placement& placement, const std::string& name);
  Status ConnectNode(size_t index, Body& body, int depth);
  Status ConnectCall(const Placement& placement,
                     const std::vector<ValueRef>& inputs, const Body& body,
                     int depth);
  Status ConnectResults(const Placement& placement, Body& callee);
  StatusOr<std::vector<ValueRef>> ResolveInputs(const tf::NodeDef& def,
                                                Body& body);
  StatusOr<ValueRef> Resolve(const InputText& input, Body& body);
  StatusOr<int64_t> AddNode(FlatNode node);
  void CollectOutputs(const Body& body);

  // The library's function that the node calls, if any.
  StatusOr<const tf::FunctionDef*> CalledFunction(
      const tf::NodeDef& def, const AttributeScope& scope) const;

  const FunctionMap& functions_;
  const Limits& limits_;
  FlatGraph flat_;
  int64_t input_count_ = 0;
  int64_t visited_nodes_ = 0;
};

bool HasListArguments(const tf::FunctionDef& function) {
  const auto is_list = [](const tf::OpDef::ArgDef& arg) {
    return !arg.number_attr().empty() || !arg.type_list_attr().empty();
  };
  const tf::OpDef& signature = function.signature();
  return std::ranges::any_of(signature.input_arg(), is_list) ||
         std::ranges::any_of(signature.output_arg(), is_list);
}

StatusOr<const tf::FunctionDef*> Inliner::CalledFunction(
    const tf::NodeDef& def, const AttributeScope& scope) const {
  std::string name = def.op();
  if (IsIndirectCall(name)) {
    CYTO8_ASSIGN_OR_RETURN(const tf::NameAttrList* called, scope.Function("f"));
    name = called->name();
    if (!functions_.contains(name)) {
      return NotFound("attribute 'f' = \"" + name +
                      "\": no function of the library has this name");
    }
  }
  const auto found = functions_.find(name);
  if (found == functions_.end() || HasListArguments(*found->second)) {
    return static_cast<const tf::FunctionDef*>(nullptr);
  }
  return found->second;
}

StatusOr<int64_t> Inliner::AddNode(FlatNode node) {
  CYTO8_RETURN_IF_ERROR(CheckRange("nodes",
                                   static_cast<int64_t>(flat_.nodes.size()) + 1,
                                   0, limits_.max_nodes));
  CYTO8_RETURN_IF_ERROR(CheckRange("length of its name",
                                   static_cast<int64_t>(node.name.size()), 1,
                                   kMaxNameBytes));
  flat_.nodes.push_back(std::move(node));
  return static_cast<int64_t>(flat_.nodes.size()) - 1;
}

std::string PortName(const std::string& name, int64_t port) {
  return port == 0 ? name : name + ":" + std::to_string(port);
}

Status Inliner::PlaceSplit(Placement& placement, const std::string& name) {
  placement.is_split = true;
  for (int64_t port = 0; port < placement.count; ++port) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t index,
                           AddNode({.name = PortName(name, port),
                                    .source_op = placement.def->op()}));
    if (port == 0) placement.first = index;
  }
  return OkStatus();
}

Status Inliner::PlaceNode(const tf::NodeDef& def, Body& body) {
  const std::string name = body.prefix + def.name();
  CYTO8_RETURN_IF_ERROR(CheckRange("nodes with function bodies",
                                   ++visited_nodes_, 0, limits_.max_nodes));
  if (def.name().empty()) return InvalidArgument("has no name");
  if (!body.index_of.emplace(def.name(), body.placements.size()).second) {
    return InvalidArgument("name is used twice");
  }
  const AttributeScope& scope =
      flat_.scopes.emplace_back(def.attr(), body.caller);
  Placement& placement = body.placements.emplace_back();
  placement.def = &def;
  CYTO8_ASSIGN_OR_RETURN(placement.function, CalledFunction(def, scope));
  if (placement.function != nullptr) {
    placement.count = placement.function->signature().output_arg_size();
    return PlaceSplit(placement, name);
  }
  if (def.op() == "IdentityN") {
    placement.count = std::ranges::count_if(
        def.input(), [](const std::string& i) { return !i.starts_with('^'); });
    return PlaceSplit(placement, name);
  }
  CYTO8_ASSIGN_OR_RETURN(placement.first, AddNode({.name = name,
                                                   .source_op = def.op(),
                                                   .def = &def,
                                                   .attributes = &scope}));
  return OkStatus();
}

Status Inliner::PlaceNodes(Body& body) {
  for (const tf::NodeDef& def : *body.nodes) {
    const Status status = PlaceNode(def, body);
    if (!status.ok()) return AtNode(status, body.prefix + def.name(), def.op());
  }
  return OkStatus();
}

// In a function body outputs go by name. An output of a call is found in the
// function's signature; a list ("output") is counted within itself. Of other
// operators each new name is the next port, so that distinct outputs stay
// distinct and the first one read of a one-output operator is port 0.
int64_t PortOfNamedOutput(const InputText& input, Placement& placement) {
  const std::string_view op = placement.def->op();
  if (placement.function != nullptr && input.output_name != "output") {
    const auto& args = placement.function->signature().output_arg();
    for (int i = 0; i < args.size(); ++i) {
      if (args[i].name() == input.output_name) return i;
    }
    return kMaxNodePorts;
  }
  if (placement.is_split || op == "Split" || op == "SplitV" || op == "Unpack") {
    return input.port;
  }
  if (op.find("FusedBatchNorm") != std::string_view::npos) {
    return input.output_name == "y" ? 0 : 1;
  }
  std::vector<std::string>& seen = placement.seen_outputs;
  const std::string key =
      std::string(input.output_name) + ":" + std::to_string(input.port);
  const auto found = std::ranges::find(seen, key);
  if (found == seen.end()) {
    seen.push_back(key);
    return static_cast<int64_t>(seen.size()) - 1;
  }
  return found - seen.begin();
}

StatusOr<ValueRef> Inliner::Resolve(const InputText& input, Body& body) {
  const auto argument = body.arguments.find(input.node);
  if (argument != body.arguments.end()) return argument->second;
  const auto found = body.index_of.find(input.node);
  if (found == body.index_of.end()) {
    return NotFound("input \"" + std::string(input.node) +
                    "\": no node has this name");
  }
  Placement& placement = body.placements[found->second];
  placement.is_read = true;
  if (input.is_control) return ValueRef{};
  const int64_t port =
      body.is_function ? PortOfNamedOutput(input, placement) : input.port;
  const int64_t ports = placement.is_split ? placement.count : kMaxNodePorts;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("output number of input \"" + std::string(input.node) + "\"",
                 port, 0, ports - 1));
  if (placement.is_split) return ValueRef{.node = placement.first + port};
  int64_t& read = flat_.nodes[static_cast<size_t>(placement.first)].read_ports;
  read = std::max(read, port + 1);
  return ValueRef{.node = placement.first, .port = port};
}

StatusOr<std::vector<ValueRef>> Inliner::ResolveInputs(const tf::NodeDef& def,
                                                       Body& body) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t most,
                         CheckedMul(kMaxInputsPerNode, limits_.max_nodes));
  input_count_ += def.input_size();
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs of all nodes", input_count_, 0, most));
  std::vector<ValueRef> inputs;
  for (const std::string& text : def.input()) {
    CYTO8_ASSIGN_OR_RETURN(
        const InputText input,
        Annotate(ParseInput(text, body.is_function), "input \"" + text + "\""));
    CYTO8_ASSIGN_OR_RETURN(const ValueRef value, Resolve(input, body));
    if (!input.is_control) inputs.push_back(value);
  }
  return inputs;
}

Status Inliner::ConnectNode(size_t index, Body& body, int depth) {
  const tf::NodeDef& def = *body.placements[index].def;
  CYTO8_ASSIGN_OR_RETURN(std::vector<ValueRef> inputs,
                         ResolveInputs(def, body));
  const Placement& placement = body.placements[index];
  if (placement.function != nullptr) {
    return ConnectCall(placement, inputs, body, depth);
  }
  if (!placement.is_split) {
    flat_.nodes[static_cast<size_t>(placement.first)].inputs =
        std::move(inputs);
    return OkStatus();
  }
  for (size_t port = 0; port < inputs.size(); ++port) {
    flat_.nodes[static_cast<size_t>(placement.first) + port].inputs = {
        inputs[port]};
  }
  return OkStatus();
}

// The attributes to which the placeholders of the body point: for a direct call
// those of the node, else those beside the function's name.
StatusOr<const AttributeMap*> CallAttributes(const tf::NodeDef& def,
                                             const AttributeScope& scope) {
  if (!IsIndirectCall(def.op())) return &def.attr();
  CYTO8_ASSIGN_OR_RETURN(const tf::NameAttrList* called, scope.Function("f"));
  return &called->attr();
}

Status Inliner::ConnectCall(const Placement& placement,
                            const std::vector<ValueRef>& inputs,
                            const Body& body, int depth) {
  const tf::OpDef& signature = placement.function->signature();
  const std::string call = body.prefix + placement.def->name();
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs", static_cast<int64_t>(inputs.size()),
                 signature.input_arg_size(), signature.input_arg_size()));
  const AttributeScope own(placement.def->attr(), body.caller);
  CYTO8_ASSIGN_OR_RETURN(const AttributeMap* attributes,
                         CallAttributes(*placement.def, own));
  Body callee{.nodes = &placement.function->node_def(),
              .prefix = call + "/",
              .caller = &flat_.scopes.emplace_back(*attributes, body.caller),
              .is_function = true};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string& name = signature.input_arg(static_cast<int>(i)).name();
    CYTO8_ASSIGN_OR_RETURN(const int64_t index,
                           AddNode({.name = callee.prefix + name,
                                    .source_op = placement.def->op(),
                                    .inputs = {inputs[i]}}));
    callee.arguments[name] = {.node = index};
  }
  CYTO8_RETURN_IF_ERROR(ExpandBody(callee, depth + 1));
  return ConnectResults(placement, callee);
}

Status Inliner::ConnectResults(const Placement& placement, Body& callee) {
  const tf::FunctionDef& function = *placement.function;
  for (int i = 0; i < function.signature().output_arg_size(); ++i) {
    const std::string& name = function.signature().output_arg(i).name();
    const auto text = function.ret().find(name);
    if (text == function.ret().end()) {
      return InvalidArgument("function result \"" + name +
                             "\" is not in its 'ret'");
    }
    CYTO8_ASSIGN_OR_RETURN(
        const InputText input,
        Annotate(ParseInput(text->second, /*in_function=*/true),
                 "function result \"" + name + "\""));
    CYTO8_ASSIGN_OR_RETURN(const ValueRef value, Resolve(input, callee));
    if (input.is_control) {
      return InvalidArgument("function result \"" + name +
                             "\" is a control edge");
    }
    flat_.nodes[static_cast<size_t>(placement.first) + i].inputs = {value};
  }
  return OkStatus();
}

Status Inliner::ExpandBody(Body& body, int depth) {
  if (depth > kMaxCallDepth) {
    return InvalidArgument("function calls are nested deeper than " +
                           std::to_string(kMaxCallDepth) +
                           ": recursion is not supported");
  }
  CYTO8_RETURN_IF_ERROR(PlaceNodes(body));
  for (size_t i = 0; i < body.placements.size(); ++i) {
    const tf::NodeDef& def = *body.placements[i].def;
    const Status status = ConnectNode(i, body, depth);
    if (!status.ok()) return AtNode(status, body.prefix + def.name(), def.op());
  }
  return OkStatus();
}

void Inliner::CollectOutputs(const Body& body) {
  for (const Placement& placement : body.placements) {
    if (placement.is_read || IsNeverAnOutput(placement.def->op())) continue;
    const int64_t count = placement.is_split ? placement.count : 1;
    for (int64_t port = 0; port < count; ++port) {
      flat_.outputs.push_back({.name = PortName(placement.def->name(), port),
                               .value = {.node = placement.first + port}});
    }
  }
}

StatusOr<FlatGraph> Inliner::Run(const tf::GraphDef& graph_def) {
  Body main{.nodes = &graph_def.node()};
  CYTO8_RETURN_IF_ERROR(ExpandBody(main, 0));
  CollectOutputs(main);
  return std::move(flat_);
}

}  // namespace

StatusOr<FlatGraph> InlineFunctions(const tf::GraphDef& graph_def,
                                    const Limits& limits) {
  FunctionMap functions;
  for (const tf::FunctionDef& function : graph_def.library().function()) {
    const std::string& name = function.signature().name();
    if (!functions.emplace(name, &function).second) {
      return InvalidArgument("function \"" + name + "\": name is used twice");
    }
  }
  return Inliner(functions, limits).Run(graph_def);
}

}  // namespace cyto8
