#include "engine/constraint/token_tree.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace mao {

TokenTree::TokenTree(std::vector<std::string> token_bytes) : token_bytes_(std::move(token_bytes)) {
  for (std::string& bytes : token_bytes_) {
    if (bytes.size() > kMaxTokenBytes) bytes.clear();
  }
  std::vector<TokenId> order(token_bytes_.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](TokenId id) { return token_bytes_[id].empty(); });
  std::sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
    const int compared = token_bytes_[a].compare(token_bytes_[b]);
    return compared != 0 ? compared < 0 : a < b;
  });
  bytes_ = {0};
  depths_ = {0};
  ends_ = {0};
  first_tokens_ = {0, 0};
  std::vector<uint32_t> path = {0};  // nodes from the root to the latest token
  for (const TokenId id : order) AddToken(token_bytes_[id], id, path);
  for (const uint32_t node : path) ends_[node] = num_nodes();
}

// `path` leads to a token that is not greater, so `bytes` only adds nodes behind all others.
void TokenTree::AddToken(std::string_view bytes, TokenId id, std::vector<uint32_t>& path) {
  size_t common = 0;
  while (common < bytes.size() && common + 1 < path.size() &&
         bytes_[path[common + 1]] == static_cast<uint8_t>(bytes[common])) {
    ++common;
  }
  for (; path.size() > common + 1; path.pop_back()) ends_[path.back()] = num_nodes();
  for (; common < bytes.size(); ++common) {
    path.push_back(num_nodes());
    bytes_.push_back(static_cast<uint8_t>(bytes[common]));
    depths_.push_back(static_cast<uint16_t>(common + 1));
    ends_.push_back(0);
    first_tokens_.push_back(first_tokens_.back());
  }
  max_depth_ = std::max(max_depth_, static_cast<uint32_t>(bytes.size()));
  tokens_.push_back(id);
  ++first_tokens_.back();
}

std::string_view TokenTree::token_bytes(TokenId id) const {
  if (id < 0 || static_cast<size_t>(id) >= token_bytes_.size()) return {};
  return token_bytes_[id];
}

Result<std::shared_ptr<const ConstraintVocabulary>> ConstraintVocabulary::Create(
    const Tokenizer& tokenizer) {
  MAO_RETURN_IF_ERROR(tokenizer.CheckTokenBytes());
  auto vocabulary = std::make_shared<ConstraintVocabulary>();
  std::vector<std::string> first(tokenizer.vocab_size());
  std::vector<std::string> later(first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    first[i] = tokenizer.TokenBytes(id, /*first=*/true).value_or("");
    later[i] = tokenizer.TokenBytes(id, /*first=*/false).value_or("");
    if (first[i].empty() && !later[i].empty()) vocabulary->empty_first.push_back(id);
  }
  const bool equal = first == later;
  vocabulary->later = std::make_shared<const TokenTree>(std::move(later));
  vocabulary->first =
      equal ? vocabulary->later : std::make_shared<const TokenTree>(std::move(first));
  return std::shared_ptr<const ConstraintVocabulary>(std::move(vocabulary));
}

}  // namespace mao
