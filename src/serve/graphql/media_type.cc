#include "serve/graphql/media_type.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace mao::graphql {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Cuts off and returns what stands before the next separator.
std::string_view TakePart(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = Trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

struct MediaRange {
  std::string_view name;
  double quality = 1;
  bool is_utf8 = true;  // or says nothing of a charset
};

MediaRange ParseRange(std::string_view text) {
  MediaRange range;
  range.name = TakePart(text, ';');
  while (!text.empty()) {
    std::string_view value = TakePart(text, ';');
    const std::string_view name = TakePart(value, '=');
    value = Trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (EqualIgnoringCase(name, "charset")) range.is_utf8 = EqualIgnoringCase(value, "utf-8");
    if (!EqualIgnoringCase(name, "q")) continue;
    double quality = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), quality);
    range.quality = read.ec == std::errc() && quality > 0 ? std::min(quality, 1.0) : 0;
  }
  return range;
}

// How much a media type is liked; with equal quality the first that is named wins.
struct Preference {
  double quality = 0;
  size_t position = 0;
  int specificity = -1;
};

int Specificity(std::string_view range, std::string_view media) {
  if (EqualIgnoringCase(range, media)) return 2;
  if (EqualIgnoringCase(range, "application/*")) return 1;
  return range == "*/*" ? 0 : -1;
}

Preference Find(std::string_view accept, std::string_view media) {
  Preference preference;
  for (size_t position = 0; !accept.empty(); ++position) {
    const MediaRange range = ParseRange(TakePart(accept, ','));
    const int specificity = Specificity(range.name, media);
    if (!range.is_utf8 || specificity <= preference.specificity) continue;
    preference = {range.quality, position, specificity};
  }
  return preference;
}

}  // namespace

std::string_view MediaTypeName(MediaType media) {
  return media == MediaType::kJson ? "application/json" : "application/graphql-response+json";
}

std::optional<MediaType> NegotiateMediaType(std::string_view accept) {
  if (Trim(accept).empty()) return MediaType::kJson;
  const Preference json = Find(accept, MediaTypeName(MediaType::kJson));
  const Preference response = Find(accept, MediaTypeName(MediaType::kGraphQlResponse));
  if (json.quality <= 0 && response.quality <= 0) return std::nullopt;
  if (json.quality != response.quality) {
    return json.quality > response.quality ? MediaType::kJson : MediaType::kGraphQlResponse;
  }
  return json.position <= response.position ? MediaType::kJson : MediaType::kGraphQlResponse;
}

bool IsJsonContent(std::string_view content_type) {
  const MediaRange range = ParseRange(content_type);
  return EqualIgnoringCase(range.name, MediaTypeName(MediaType::kJson)) && range.is_utf8;
}

}  // namespace mao::graphql
