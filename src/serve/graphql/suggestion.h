// " Did you mean …?" for names that do not exist, as graphql-js words it.
#ifndef MAOOCR_SERVE_GRAPHQL_SUGGESTION_H_
#define MAOOCR_SERVE_GRAPHQL_SUGGESTION_H_

#include <string>
#include <string_view>
#include <vector>

namespace mao::graphql {

// The options that resemble `input`, the most alike first. They outlive the result.
std::vector<std::string_view> SimilarNames(std::string_view input,
                                           const std::vector<std::string_view>& options);

// Empty without suggestions; else with a space in front. `lead` goes between "mean" and the names.
std::string DidYouMean(const std::vector<std::string_view>& suggestions,
                       std::string_view lead = {});

template <typename List>
std::vector<std::string_view> NamesOf(const List& list) {
  std::vector<std::string_view> names;
  names.reserve(list.size());
  for (const auto& item : list) names.push_back(item.name);
  return names;
}

// Both at once, for a list of things that have names.
template <typename List>
std::string SuggestFrom(std::string_view input, const List& list) {
  return DidYouMean(SimilarNames(input, NamesOf(list)));
}

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_SUGGESTION_H_
