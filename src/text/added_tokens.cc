#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "text/utf8.h"

namespace mao {

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), token_at_node_(1, -1) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].content.empty()) continue;
    uint32_t node = 0;
    for (const char byte : tokens_[i].content) {
      const auto next = static_cast<uint32_t>(token_at_node_.size());
      const auto [edge, is_new] = edges_.try_emplace(EdgeKey(node, byte), next);
      if (is_new) token_at_node_.push_back(-1);
      node = edge->second;
    }
    if (token_at_node_[node] < 0) token_at_node_[node] = static_cast<int32_t>(i);
    is_start_[static_cast<unsigned char>(tokens_[i].content[0])] = true;
  }
}

AddedTokenMatcher::Match AddedTokenMatcher::LongestAt(std::string_view text, size_t pos) const {
  Match best;
  uint32_t node = 0;
  for (size_t i = pos; i < text.size(); ++i) {
    const auto edge = edges_.find(EdgeKey(node, text[i]));
    if (edge == edges_.end()) break;
    node = edge->second;
    if (token_at_node_[node] < 0) continue;
    best = {&tokens_[static_cast<size_t>(token_at_node_[node])], i + 1 - pos};
  }
  return best;
}

std::vector<TextOrToken> AddedTokenMatcher::Split(std::string_view text) const {
  std::vector<TextOrToken> parts;
  size_t done = 0;       // up to here the text is in `parts`
  size_t space_end = 0;  // end of the white space last taken by an rstrip token
  for (size_t pos = 0; pos < text.size();) {
    if (!is_start_[static_cast<unsigned char>(text[pos])]) {
      ++pos;
      continue;
    }
    const auto [token, size] = LongestAt(text, pos);
    if (token == nullptr) {
      ++pos;
      continue;
    }
    size_t begin = pos;
    size_t end = pos + size;
    pos = end;
    if (token->single_word &&
        (EndsWithWordChar(text.substr(0, begin)) || StartsWithWordChar(text.substr(end)))) {
      continue;
    }
    if (token->lstrip && begin > done) {
      begin = done + TrailingWhitespaceStart(text.substr(done, begin - done));
    }
    if (token->rstrip) {
      if (end >= space_end) space_end = end + LeadingWhitespace(text.substr(end));
      end = space_end;
    }
    if (done < begin) parts.push_back({text.substr(done, begin - done), kNoToken});
    parts.push_back({{}, token->id});
    done = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done), kNoToken});
  return parts;
}

}  // namespace mao
