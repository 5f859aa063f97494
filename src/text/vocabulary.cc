#include "text/vocabulary.h"

#include <fmt/core.h>

namespace mao {

void Vocabulary::Reserve(size_t num_tokens) {
  ids_.reserve(num_tokens);
  entries_.reserve(num_tokens);
}

Result<Vocabulary::Entry*> Vocabulary::Add(std::string_view text, int64_t id) {
  if (id < 0 || id > kMaxId) {
    return OutOfRangeError(fmt::format("token id {} is outside [0, {}]", id, kMaxId));
  }
  if (text.size() > kMaxTokenBytes) {
    return OutOfRangeError(fmt::format("the text of token {} has {} bytes, the limit is {}", id,
                                       text.size(), kMaxTokenBytes));
  }
  const auto index = static_cast<size_t>(id);
  if (index < entries_.size() && entries_[index].text != nullptr) {
    return InvalidArgumentError(
        fmt::format("token id {} stands for both '{}' and '{}'", id, *entries_[index].text, text));
  }
  const auto [it, inserted] = ids_.try_emplace(std::string(text), static_cast<TokenId>(id));
  if (!inserted) {
    return InvalidArgumentError(
        fmt::format("token '{}' has two ids, {} and {}", text, it->second, id));
  }
  if (index >= entries_.size()) entries_.resize(index + 1);
  entries_[index].text = &it->first;
  return &entries_[index];
}

Status Vocabulary::AddModelToken(std::string_view text, int64_t id) {
  MAO_ASSIGN_OR_RETURN(Entry * entry, Add(text, id));
  entry->in_model = true;
  return OkStatus();
}

Status Vocabulary::AddAddedToken(std::string_view text, int64_t id, bool special) {
  const Entry* known = id >= 0 && id <= kMaxId ? Lookup(static_cast<TokenId>(id)) : nullptr;
  if (known != nullptr && *known->text == text) {
    entries_[static_cast<size_t>(id)].special |= special;
    return OkStatus();
  }
  MAO_ASSIGN_OR_RETURN(Entry * entry, Add(text, id));
  entry->special = special;
  return OkStatus();
}

const Vocabulary::Entry* Vocabulary::Lookup(TokenId id) const {
  if (id < 0 || static_cast<size_t>(id) >= entries_.size()) return nullptr;
  const Entry& entry = entries_[static_cast<size_t>(id)];
  return entry.text != nullptr ? &entry : nullptr;
}

std::optional<TokenId> Vocabulary::Find(std::string_view text) const {
  const auto it = ids_.find(text);
  if (it == ids_.end()) return std::nullopt;
  return it->second;
}

TokenId Vocabulary::FindModelToken(std::string_view text) const {
  const auto it = ids_.find(text);
  if (it == ids_.end() || !entries_[static_cast<size_t>(it->second)].in_model) return kNoToken;
  return it->second;
}

std::optional<std::string_view> Vocabulary::Text(TokenId id) const {
  const Entry* entry = Lookup(id);
  if (entry == nullptr) return std::nullopt;
  return *entry->text;
}

bool Vocabulary::IsSpecial(TokenId id) const {
  const Entry* entry = Lookup(id);
  return entry != nullptr && entry->special;
}

}  // namespace mao
