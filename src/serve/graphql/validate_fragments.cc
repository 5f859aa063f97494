// Fragments, and operations once their fragments are expanded.
#include <algorithm>
#include <unordered_set>

#include <fmt/core.h>

#include "serve/graphql/validation_state.h"

namespace mao::graphql {
namespace {

// Every operation or fragment that spreads reach is visited once.
void MarkReached(ValidationState& state, const void* definition,
                 std::unordered_set<const FragmentDefinition*>& reached) {
  std::vector<const void*> pending = {definition};
  while (!pending.empty()) {
    const DefinitionFacts& facts = state.FactsOf(pending.back());
    pending.pop_back();
    for (const Selection* spread : facts.spreads) {
      const FragmentDefinition* const fragment = state.FindFragment(spread->name.text);
      if (fragment != nullptr && reached.insert(fragment).second) pending.push_back(fragment);
    }
  }
}

void ReportUnused(ValidationState& state) {
  std::unordered_set<const FragmentDefinition*> reached;
  for (const OperationDefinition& operation : state.document.operations) {
    MarkReached(state, &operation, reached);
  }
  std::unordered_set<std::string_view> used;
  for (const FragmentDefinition* fragment : reached) used.insert(fragment->name.text);
  for (const FragmentDefinition& fragment : state.document.fragments) {
    if (used.contains(fragment.name.text)) continue;
    state.Report(fmt::format("Fragment \"{}\" is never used.", fragment.name.text),
                 {fragment.offset});
  }
}

// Depth-first search that goes on after a cycle, to find them all.
class CycleSearch {
 public:
  explicit CycleSearch(ValidationState& state) : state_(state) {}

  // Whether there was a cycle.
  bool Run() {
    for (const FragmentDefinition& fragment : state_.document.fragments) Visit(fragment);
    return found_;
  }

 private:
  void Visit(const FragmentDefinition& fragment) {
    if (!visited_.insert(fragment.name.text).second) return;
    place_in_path_.emplace(fragment.name.text, path_.size());
    for (const Selection* spread : state_.FactsOf(&fragment).spreads) {
      path_.push_back(spread);
      const auto cycle = place_in_path_.find(spread->name.text);
      if (cycle != place_in_path_.end()) {
        Report(cycle->second);
      } else if (const auto* next = state_.FindFragment(spread->name.text)) {
        Visit(*next);
      }
      path_.pop_back();
    }
    place_in_path_.erase(fragment.name.text);
  }

  // The path from `start` on leads back to where it came from.
  void Report(size_t start) {
    found_ = true;
    std::string via;
    std::vector<uint32_t> offsets;
    for (size_t i = start; i < path_.size(); ++i) {
      offsets.push_back(path_[i]->offset);
      if (i + 1 == path_.size()) break;
      via += fmt::format("{}\"{}\"", via.empty() ? " via " : ", ", path_[i]->name.text);
    }
    state_.Report(
        fmt::format("Cannot spread fragment \"{}\" within itself{}.", path_.back()->name.text, via),
        offsets);
  }

  ValidationState& state_;
  std::unordered_set<std::string_view> visited_;
  std::unordered_map<std::string_view, size_t> place_in_path_;
  std::vector<const Selection*> path_;
  bool found_ = false;
};

// How large definitions are once the fragments in them are expanded. There are no cycles.
class ExpansionCheck {
 public:
  explicit ExpansionCheck(ValidationState& state) : state_(state) {}

  // False, and an error, if something is above a limit.
  bool Run() {
    bool fits = true;
    for (const FragmentDefinition& fragment : state_.document.fragments) {
      fits &= Check(MeasureFragment(fragment, 1), fragment.offset,
                    fmt::format("Fragment \"{}\"", fragment.name.text));
    }
    for (const OperationDefinition& operation : state_.document.operations) {
      const std::string what = operation.name.text.empty()
                                   ? "Operation"
                                   : fmt::format("Operation \"{}\"", operation.name.text);
      const Size size = Measure(operation.selection_set, 1);
      fits &= Check(size, operation.offset, what);
      const bool is_mutation = operation.type == OperationType::kMutation;
      const size_t max_root_fields =
          is_mutation ? state_.limits.max_mutations : state_.limits.max_root_fields;
      if (size.root_fields > max_root_fields) {
        state_.Report(fmt::format("{} has {} root fields; the limit is {}.", what, size.root_fields,
                                  max_root_fields),
                      {operation.offset});
        fits = false;
      }
    }
    return fits;
  }

 private:
  struct Size {
    size_t fields = 0;
    size_t root_fields = 0;  // those that are not inside another field
    size_t depth = 0;        // selection sets and spreads inside one another
  };

  static constexpr size_t kHuge = size_t{1} << 40;  // sums stop growing here

  Size Measure(const SelectionSet& set, size_t depth_around) {
    Size size;
    // What is deeper is refused, so it need not be measured; this bounds the recursion.
    if (set.selections.empty() || depth_around > state_.limits.max_depth) {
      size.depth = set.selections.empty() ? 0 : 1;
      return size;
    }
    for (const Selection& selection : set.selections) {
      Size inner;
      if (selection.kind == Selection::Kind::kFragmentSpread) {
        const FragmentDefinition* const fragment = state_.FindFragment(selection.name.text);
        if (fragment != nullptr) inner = MeasureFragment(*fragment, depth_around + 1);
      } else {
        inner = Measure(selection.selection_set, depth_around + 1);
      }
      if (selection.kind == Selection::Kind::kField) {
        ++inner.fields;
        inner.root_fields = 1;
      }
      size.fields = std::min(size.fields + inner.fields, kHuge);
      size.root_fields = std::min(size.root_fields + inner.root_fields, kHuge);
      size.depth = std::max(size.depth, inner.depth);
    }
    ++size.depth;
    return size;
  }

  Size MeasureFragment(const FragmentDefinition& fragment, size_t depth_around) {
    const auto known = sizes_.find(&fragment);
    if (known != sizes_.end()) return known->second;
    const Size size = Measure(fragment.selection_set, depth_around);
    // Measured to its end only if nothing in it was too deep here.
    if (depth_around + size.depth <= state_.limits.max_depth + 1) sizes_.emplace(&fragment, size);
    return size;
  }

  bool Check(const Size& size, uint32_t offset, std::string_view what) {
    if (size.depth > state_.limits.max_depth) {
      state_.Report(
          fmt::format("{} is nested deeper than {} levels once its fragments are expanded.", what,
                      state_.limits.max_depth),
          {offset});
      return false;
    }
    if (size.fields > state_.limits.max_fields) {
      state_.Report(
          fmt::format("{} has {} fields once its fragments are expanded; the limit is {}.", what,
                      size.fields, state_.limits.max_fields),
          {offset});
      return false;
    }
    return true;
  }

  ValidationState& state_;
  std::unordered_map<const FragmentDefinition*, Size> sizes_;
};

// Lists of lists of introspection grow exponentially: MaxIntrospectionDepth of graphql-js.
class IntrospectionCheck {
 public:
  explicit IntrospectionCheck(ValidationState& state) : state_(state) {}

  void Run() {
    for (const OperationDefinition& operation : state_.document.operations) {
      Visit(operation.selection_set, nullptr, 0);
    }
  }

 private:
  static constexpr int kMaxLists = 3;

  static bool IsList(std::string_view name) {
    return name == "fields" || name == "interfaces" || name == "possibleTypes" ||
           name == "inputFields";
  }

  // `root` is the field __schema or __type around the set, if any.
  void Visit(const SelectionSet& set, const Selection* root, int lists_around) {
    for (const Selection& selection : set.selections) {
      if (selection.kind == Selection::Kind::kFragmentSpread) {
        const FragmentDefinition* const fragment = state_.FindFragment(selection.name.text);
        if (fragment != nullptr) Visit(fragment->selection_set, root, lists_around);
        continue;
      }
      const bool is_field = selection.kind == Selection::Kind::kField;
      const bool starts =
          is_field && (selection.name.text == "__schema" || selection.name.text == "__type");
      const Selection* const inner_root = starts ? &selection : root;
      const int lists =
          lists_around + (is_field && root != nullptr && IsList(selection.name.text) ? 1 : 0);
      if (lists >= kMaxLists) {
        if (reported_.insert(root).second) {
          state_.Report("Maximum introspection depth exceeded", {root->offset});
        }
        continue;
      }
      Visit(selection.selection_set, inner_root, lists);
    }
  }

  ValidationState& state_;
  std::unordered_set<const Selection*> reported_;
};

// SingleFieldSubscriptions.
class SubscriptionCheck {
 public:
  SubscriptionCheck(ValidationState& state, const OperationDefinition& operation)
      : state_(state), operation_(operation) {}

  void Run() {
    Collect(operation_.selection_set);
    const std::string who = operation_.name.text.empty()
                                ? "Anonymous Subscription"
                                : fmt::format("Subscription \"{}\"", operation_.name.text);
    std::vector<uint32_t> extra;
    for (size_t i = 1; i < groups_.size(); ++i) {
      extra.insert(extra.end(), groups_[i].offsets.begin(), groups_[i].offsets.end());
    }
    if (!extra.empty()) {
      state_.Report(fmt::format("{} must select only one top level field.", who), extra);
    }
    for (const Group& group : groups_) {
      if (!group.field.starts_with("__")) continue;
      state_.Report(fmt::format("{} must not select an introspection top level field.", who),
                    group.offsets);
    }
  }

 private:
  struct Group {
    std::string_view key;
    std::string_view field;
    std::vector<uint32_t> offsets;
  };

  // By directives whatever the variables are.
  static bool IsExcluded(const Selection& selection) {
    return std::any_of(selection.directives.begin(), selection.directives.end(),
                       [](const Directive& directive) {
                         const bool skips = directive.name.text == "skip";
                         if (!skips && directive.name.text != "include") return false;
                         return !directive.arguments.empty() &&
                                directive.arguments[0].value.kind == Value::Kind::kBoolean &&
                                (directive.arguments[0].value.text == "true") == skips;
                       });
  }

  void Collect(const SelectionSet& set) {
    for (const Selection& selection : set.selections) {
      if (IsExcluded(selection)) continue;
      if (selection.kind == Selection::Kind::kInlineFragment) {
        Collect(selection.selection_set);
      } else if (selection.kind == Selection::Kind::kFragmentSpread) {
        const FragmentDefinition* const fragment = state_.FindFragment(selection.name.text);
        if (fragment != nullptr && visited_.insert(fragment).second) {
          Collect(fragment->selection_set);
        }
      } else {
        Add(selection);
      }
    }
  }

  void Add(const Selection& field) {
    const std::string_view key = field.response_key();
    auto group = std::find_if(groups_.begin(), groups_.end(),
                              [key](const Group& g) { return g.key == key; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), {key, field.name.text, {}});
    group->offsets.push_back(field.offset);
  }

  ValidationState& state_;
  const OperationDefinition& operation_;
  std::vector<Group> groups_;
  std::unordered_set<const FragmentDefinition*> visited_;
};

}  // namespace

bool ValidateFragments(ValidationState& state) {
  ReportUnused(state);
  if (CycleSearch(state).Run() || !ExpansionCheck(state).Run()) return false;
  IntrospectionCheck(state).Run();
  for (const OperationDefinition& operation : state.document.operations) {
    const bool has_root = state.schema.RootType(operation.type) != nullptr;
    if (operation.type == OperationType::kSubscription && has_root) {
      SubscriptionCheck(state, operation).Run();
    }
  }
  return true;
}

}  // namespace mao::graphql
