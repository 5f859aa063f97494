// OverlappingFieldsCanBeMerged: fields of one response name must be the same field with the same
// arguments, or at least of the same shape where only one of them can apply.
//
// The algorithm, its wording and its budget are those of graphql-js: fields of a selection set are
// compared with each other once, then with those of the fragments spread there, then these with one
// another; pairs of fragments are remembered. Fragments have no cycles and a bounded depth here.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include <fmt/core.h>

#include "serve/graphql/utf8.h"
#include "serve/graphql/validation_state.h"

namespace mao::graphql {
namespace {

constexpr size_t kMaxReasonBytes = 1000;
constexpr size_t kMaxConflictNodes = 20;
constexpr size_t kMaxConflicts = 101;  // of one set: as many as there may be errors

struct Conflict {
  std::string_view response_name;
  std::string reason;
  std::vector<const Selection*> fields1;
  std::vector<const Selection*> fields2;
};

struct FieldUse {
  const NamedType* parent = nullptr;  // null if unknown
  const Selection* node = nullptr;
  const Field* definition = nullptr;  // null if unknown
};

// The fields of a selection set, inline fragments included, by response name.
struct CollectedFields {
  std::vector<std::pair<std::string_view, std::vector<FieldUse>>> groups;
  std::unordered_map<std::string_view, size_t> index;
  std::vector<std::string_view> fragments;
  // Fragments compared with these fields; true if only as mutually exclusive.
  std::unordered_map<std::string_view, bool> compared_fragments;
};

void AppendCanonical(const Value& value, std::string& out) {
  out += static_cast<char>('a' + static_cast<int>(value.kind));
  out += fmt::format("{}{}:", value.is_block ? "b" : "", value.text.size());
  out += value.text;
  if (value.kind == Value::Kind::kList) {
    out += '[';
    for (const Value& item : value.items) AppendCanonical(item, out);
    out += ']';
  }
  if (value.kind == Value::Kind::kObject) {
    std::vector<const NamedValue*> sorted;
    for (const NamedValue& field : value.fields) sorted.push_back(&field);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto* a, const auto* b) { return a->name.text < b->name.text; });
    out += '{';
    for (const NamedValue* field : sorted) {
      out += field->name.text;
      out += ':';
      AppendCanonical(field->value, out);
    }
    out += '}';
  }
}

// Composite types are compared by their fields; lists, non-nulls and leaves must be the same.
bool TypesConflict(const TypeRef& a, const TypeRef& b) {
  if (a.shape != b.shape) return true;
  return (a.type->IsLeaf() || b.type->IsLeaf()) && a.type != b.type;
}

class OverlapCheck {
 public:
  explicit OverlapCheck(ValidationState& state) : state_(state) {}

  void VisitSet(const SelectionSet& set, const NamedType* parent) {
    if (state_.is_full() || is_exhausted()) return;
    std::vector<Conflict> conflicts;
    FindWithin(Collect(set, parent), conflicts);
    for (const Conflict& conflict : conflicts) Report(conflict);
    VisitInner(set, parent);
  }

  bool is_exhausted() const { return budget_ < 0; }

 private:
  static constexpr int64_t kBudget = 500'000;

  // False once there were too many comparisons.
  bool Spend(int64_t cost) {
    budget_ -= cost;
    return budget_ >= 0;
  }

  // Inline fragments belong to the set around them; the sets of fields stand for themselves.
  void VisitInner(const SelectionSet& set, const NamedType* parent) {
    for (const Selection& selection : set.selections) {
      if (selection.kind == Selection::Kind::kInlineFragment) {
        VisitInner(selection.selection_set, TypeInside(selection, parent));
      } else if (!selection.selection_set.selections.empty()) {
        const Field* const field = FindField(parent, selection);
        VisitSet(selection.selection_set, field != nullptr ? field->type.type : nullptr);
      }
    }
  }

  const NamedType* TypeInside(const Selection& inline_fragment, const NamedType* parent) const {
    return inline_fragment.name.text.empty() ? parent
                                             : state_.schema.FindType(inline_fragment.name.text);
  }

  const Field* FindField(const NamedType* parent, const Selection& node) const {
    return parent == nullptr ? nullptr : state_.schema.FindField(*parent, node.name.text);
  }

  void Report(const Conflict& conflict) {
    std::vector<uint32_t> offsets;
    for (const auto* fields : {&conflict.fields1, &conflict.fields2}) {
      for (const Selection* field : *fields) offsets.push_back(field->offset);
    }
    state_.Report(fmt::format("Fields \"{}\" conflict because {}. Use different aliases on the "
                              "fields to fetch both if this was intentional.",
                              conflict.response_name, conflict.reason),
                  offsets);
  }

  CollectedFields& Collect(const SelectionSet& set, const NamedType* parent) {
    std::unique_ptr<CollectedFields>& known = collected_[&set];
    if (known == nullptr) {
      known = std::make_unique<CollectedFields>();
      CollectInto(set, parent, *known);
    }
    return *known;
  }

  void CollectInto(const SelectionSet& set, const NamedType* parent, CollectedFields& fields) {
    for (const Selection& selection : set.selections) {
      if (selection.kind == Selection::Kind::kInlineFragment) {
        CollectInto(selection.selection_set, TypeInside(selection, parent), fields);
      } else if (selection.kind == Selection::Kind::kFragmentSpread) {
        auto& names = fields.fragments;
        if (std::find(names.begin(), names.end(), selection.name.text) == names.end()) {
          names.push_back(selection.name.text);
        }
      } else {
        const auto [entry, inserted] =
            fields.index.emplace(selection.response_key(), fields.groups.size());
        if (inserted) fields.groups.emplace_back(selection.response_key(), std::vector<FieldUse>());
        fields.groups[entry->second].second.push_back(
            {parent, &selection, FindField(parent, selection)});
      }
    }
  }

  CollectedFields& CollectFragment(const FragmentDefinition& fragment) {
    return Collect(fragment.selection_set, state_.schema.FindType(fragment.type_condition.text));
  }

  void FindWithin(CollectedFields& fields, std::vector<Conflict>& conflicts) {
    for (const auto& [name, uses] : fields.groups) {
      for (size_t i = 0; i < uses.size(); ++i) {
        for (size_t j = i + 1; j < uses.size(); ++j) {
          Compare(false, name, uses[i], uses[j], conflicts);
          if (is_exhausted()) return;
        }
      }
    }
    for (size_t i = 0; i < fields.fragments.size(); ++i) {
      CompareWithFragment(false, fields, fields.fragments[i], conflicts);
      for (size_t j = i + 1; j < fields.fragments.size(); ++j) {
        CompareFragments(false, fields.fragments[i], fields.fragments[j], conflicts);
      }
    }
  }

  void CompareWithFragment(bool exclusive, CollectedFields& fields, std::string_view name,
                           std::vector<Conflict>& conflicts) {
    if (!Spend(1) || fields.groups.empty()) return;
    const auto [known, inserted] = fields.compared_fragments.emplace(name, exclusive);
    // A comparison as exclusive says nothing of one that is not.
    if (!inserted && (!known->second || exclusive)) return;
    known->second = exclusive;
    const FragmentDefinition* const fragment = state_.FindFragment(name);
    if (fragment == nullptr) return;
    CollectedFields& others = CollectFragment(*fragment);
    if (&others == &fields) return;
    CompareSets(exclusive, fields, others, conflicts);
    for (const std::string_view inner : others.fragments) {
      CompareWithFragment(exclusive, fields, inner, conflicts);
    }
  }

  void CompareFragments(bool exclusive, std::string_view name1, std::string_view name2,
                        std::vector<Conflict>& conflicts) {
    if (!Spend(2) || name1 == name2) return;
    const auto [known, inserted] = compared_pairs_.emplace(std::minmax(name1, name2), exclusive);
    if (!inserted && (!known->second || exclusive)) return;
    known->second = exclusive;
    const FragmentDefinition* const fragment1 = state_.FindFragment(name1);
    const FragmentDefinition* const fragment2 = state_.FindFragment(name2);
    if (fragment1 == nullptr || fragment2 == nullptr) return;
    CollectedFields& fields1 = CollectFragment(*fragment1);
    CollectedFields& fields2 = CollectFragment(*fragment2);
    CompareSets(exclusive, fields1, fields2, conflicts);
    for (const std::string_view inner : fields2.fragments) {
      CompareFragments(exclusive, name1, inner, conflicts);
    }
    for (const std::string_view inner : fields1.fragments) {
      CompareFragments(exclusive, inner, name2, conflicts);
    }
  }

  void CompareSets(bool exclusive, const CollectedFields& fields1, const CollectedFields& fields2,
                   std::vector<Conflict>& conflicts) {
    for (const auto& [name, uses1] : fields1.groups) {
      if (!Spend(1)) return;
      const auto found = fields2.index.find(name);
      if (found == fields2.index.end()) continue;
      for (const FieldUse& use1 : uses1) {
        for (const FieldUse& use2 : fields2.groups[found->second].second) {
          Compare(exclusive, name, use1, use2, conflicts);
          if (is_exhausted()) return;
        }
      }
    }
  }

  // Two fields of one response name.
  void Compare(bool parents_exclusive, std::string_view name, const FieldUse& use1,
               const FieldUse& use2, std::vector<Conflict>& conflicts) {
    if (!Spend(2) || conflicts.size() >= kMaxConflicts) return;
    // An object is of one type, so fields of different object types never meet in one response.
    const auto is_object = [](const NamedType* type) {
      return type != nullptr && type->kind == NamedType::Kind::kObject;
    };
    const bool exclusive = parents_exclusive || (use1.parent != use2.parent &&
                                                 is_object(use1.parent) && is_object(use2.parent));
    const auto add = [&](std::string reason) {
      conflicts.push_back({name, std::move(reason), {use1.node}, {use2.node}});
    };
    if (!exclusive && use1.node->name.text != use2.node->name.text) {
      add(fmt::format("\"{}\" and \"{}\" are different fields", use1.node->name.text,
                      use2.node->name.text));
      return;
    }
    if (!exclusive && !SameArguments(use1.node->arguments, use2.node->arguments)) {
      add("they have differing arguments");
      return;
    }
    if (use1.definition != nullptr && use2.definition != nullptr &&
        TypesConflict(use1.definition->type, use2.definition->type)) {
      add(fmt::format("they return conflicting types \"{}\" and \"{}\"",
                      use1.definition->type.Text(), use2.definition->type.Text()));
      return;
    }
    if (use1.node->selection_set.selections.empty() ||
        use2.node->selection_set.selections.empty()) {
      return;
    }
    std::vector<Conflict> inner;
    CompareSubsets(exclusive, use1, use2, inner);
    if (!inner.empty()) conflicts.push_back(Summarize(name, use1, use2, inner));
  }

  void CompareSubsets(bool exclusive, const FieldUse& use1, const FieldUse& use2,
                      std::vector<Conflict>& conflicts) {
    const auto inner = [](const FieldUse& use) {
      return use.definition != nullptr ? use.definition->type.type : nullptr;
    };
    CollectedFields& fields1 = Collect(use1.node->selection_set, inner(use1));
    CollectedFields& fields2 = Collect(use2.node->selection_set, inner(use2));
    CompareSets(exclusive, fields1, fields2, conflicts);
    for (const std::string_view fragment : fields2.fragments) {
      CompareWithFragment(exclusive, fields1, fragment, conflicts);
    }
    for (const std::string_view fragment : fields1.fragments) {
      CompareWithFragment(exclusive, fields2, fragment, conflicts);
    }
    for (const std::string_view fragment1 : fields1.fragments) {
      for (const std::string_view fragment2 : fields2.fragments) {
        CompareFragments(exclusive, fragment1, fragment2, conflicts);
      }
    }
  }

  static Conflict Summarize(std::string_view name, const FieldUse& use1, const FieldUse& use2,
                            const std::vector<Conflict>& inner) {
    Conflict conflict = {name, "", {use1.node}, {use2.node}};
    for (const Conflict& part : inner) {
      if (!conflict.reason.empty()) conflict.reason += " and ";
      conflict.reason +=
          fmt::format("subfields \"{}\" conflict because {}", part.response_name, part.reason);
      if (conflict.reason.size() > kMaxReasonBytes) break;
    }
    conflict.reason = Abbreviate(conflict.reason, kMaxReasonBytes);
    const auto append = [](const std::vector<const Selection*>& from,
                           std::vector<const Selection*>& to) {
      // The deeper fields, at the end, tell more.
      const size_t count = std::min(from.size(), kMaxConflictNodes - to.size());
      to.insert(to.end(), from.end() - static_cast<std::ptrdiff_t>(count), from.end());
    };
    for (const Conflict& part : inner) {
      append(part.fields1, conflict.fields1);
      append(part.fields2, conflict.fields2);
    }
    return conflict;
  }

  bool SameArguments(const std::vector<NamedValue>& arguments1,
                     const std::vector<NamedValue>& arguments2) {
    if (arguments1.size() != arguments2.size()) return false;
    return std::all_of(arguments1.begin(), arguments1.end(), [&](const NamedValue& argument1) {
      const auto argument2 = std::find_if(
          arguments2.begin(), arguments2.end(),
          [&](const NamedValue& other) { return other.name.text == argument1.name.text; });
      return Spend(static_cast<int64_t>(arguments2.size())) && argument2 != arguments2.end() &&
             ValueId(argument1.value) == ValueId(argument2->value);
    });
  }

  // Equal for equal values.
  size_t ValueId(const Value& value) {
    const auto [known, inserted] = value_ids_.emplace(&value, 0);
    if (inserted) {
      std::string text;
      AppendCanonical(value, text);
      known->second = ids_by_text_.emplace(std::move(text), ids_by_text_.size()).first->second;
    }
    return known->second;
  }

  ValidationState& state_;
  int64_t budget_ = kBudget;
  std::unordered_map<const SelectionSet*, std::unique_ptr<CollectedFields>> collected_;
  std::map<std::pair<std::string_view, std::string_view>, bool> compared_pairs_;
  std::unordered_map<const Value*, size_t> value_ids_;
  std::unordered_map<std::string, size_t> ids_by_text_;
};

}  // namespace

void ValidateOverlappingFields(ValidationState& state) {
  OverlapCheck check(state);
  for (const OperationDefinition& operation : state.document.operations) {
    check.VisitSet(operation.selection_set, state.schema.RootType(operation.type));
  }
  for (const FragmentDefinition& fragment : state.document.fragments) {
    check.VisitSet(fragment.selection_set, state.schema.FindType(fragment.type_condition.text));
  }
  if (check.is_exhausted()) {
    state.Report("Fields overlap too often to compare them all. Validation aborted.", {});
  }
}

}  // namespace mao::graphql
