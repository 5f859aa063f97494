#include "serve/http/multipart.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/core.h>

#include "serve/http/header_parameters.h"
#include "serve/http/message.h"

namespace mao {
namespace {

constexpr std::string_view kCrlf = "\r\n";
constexpr std::string_view kBlank = " \t";
constexpr size_t kNone = std::string_view::npos;

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == kNone) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

bool IsBoundaryCharacter(char c) {
  constexpr std::string_view kMarks = "'()+_,-./:=? ";
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || kMarks.find(c) != kNone;
}

// What browsers and RFC 7578 escape in names: only these, so that "100%25" stays what it is.
std::string UnescapeName(std::string_view text) {
  std::string name;
  while (!text.empty()) {
    const std::string_view escape = text.substr(0, 3);
    const char c = escape == "%22" ? '"' : escape == "%0D" ? '\r' : escape == "%0A" ? '\n' : '\0';
    name += c == '\0' ? text.front() : c;
    text.remove_prefix(c == '\0' ? 1 : escape.size());
  }
  return name;
}

void AppendLatin1(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0U | byte >> 6U);
      out += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
}

// charset'language'percent-encoded, as in RFC 8187. nullopt: the syntax or charset is another.
std::optional<std::string> ExtendedValue(std::string_view text) {
  const size_t charset_end = text.find('\'');
  const size_t language_end = charset_end == kNone ? kNone : text.find('\'', charset_end + 1);
  if (language_end == kNone) return std::nullopt;
  std::string charset(text.substr(0, charset_end));
  std::transform(charset.begin(), charset.end(), charset.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::optional<std::string> bytes = PercentDecode(text.substr(language_end + 1), false);
  if (!bytes.has_value() || charset == "utf-8") return bytes;
  if (charset != "iso-8859-1") return std::nullopt;
  std::string name;
  AppendLatin1(*bytes, name);
  return name;
}

std::string WithoutFolders(const std::string& path) {
  const size_t slash = path.find_last_of("/\\");
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

class MultipartReader {
 public:
  MultipartReader(std::string_view body, std::string_view boundary, const MultipartLimits& limits)
      : body_(body), delimiter_("\r\n--" + std::string(boundary)), limits_(limits) {}

  Result<std::vector<MultipartPart>> Read() {
    // The first boundary needs no line before it.
    const std::string_view first = std::string_view(delimiter_).substr(kCrlf.size());
    size_t at = body_.starts_with(first) ? first.size() : AfterDelimiter(0);
    if (at == kNone) {
      return InvalidArgumentError(
          "multipart: the boundary of the Content-Type header is not in the body");
    }
    while (true) {
      if (body_.substr(at).starts_with("--")) return CheckEnd(at + 2);
      const size_t line_end = body_.find(kCrlf, at);
      if (line_end == kNone || !Trim(body_.substr(at, line_end - at)).empty()) {
        return Wrong("a boundary is not followed by a new line");
      }
      if (parts_.size() == limits_.max_parts) {
        return OutOfRangeError(
            fmt::format("multipart: more parts than the limit of {}", limits_.max_parts));
      }
      const size_t begin = line_end + kCrlf.size();
      // The line end of an empty part without headers is its boundary's too.
      const size_t end = body_.find(delimiter_, begin - kCrlf.size());
      if (end == kNone) return Wrong("its end is missing: the body is cut off");
      MAO_RETURN_IF_ERROR(
          ReadPart(end < begin ? std::string_view() : body_.substr(begin, end - begin)));
      at = end + delimiter_.size();
    }
  }

 private:
  Status Wrong(std::string_view what) const {
    return InvalidArgumentError(fmt::format("multipart: part {}: {}", parts_.size() + 1, what));
  }

  size_t AfterDelimiter(size_t from) const {
    const size_t found = body_.find(delimiter_, from);
    return found == kNone ? kNone : found + delimiter_.size();
  }

  Result<std::vector<MultipartPart>> CheckEnd(size_t at) {
    const std::string_view rest = body_.substr(at);
    const std::string_view line = rest.substr(0, rest.find(kCrlf));
    if (!Trim(line).empty()) return Wrong("the last boundary is followed by other text");
    return std::move(parts_);
  }

  Status ReadPart(std::string_view part) {
    constexpr std::string_view kHeadEnd = "\r\n\r\n";
    // No header at all is an empty line.
    const size_t head_end = part.starts_with(kCrlf) ? 0 : part.find(kHeadEnd);
    if (head_end == kNone) return Wrong("its headers do not end");
    if (head_end > limits_.max_header_bytes) {
      return OutOfRangeError(fmt::format("multipart: part {}: its headers are larger than {} bytes",
                                         parts_.size() + 1, limits_.max_header_bytes));
    }
    MultipartPart read;
    bool has_disposition = false;
    std::string_view head = part.substr(0, head_end);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find(kCrlf));
      head.remove_prefix(std::min(head.size(), line.size() + kCrlf.size()));
      MAO_RETURN_IF_ERROR(ReadHeader(line, has_disposition, read));
    }
    if (!has_disposition) return Wrong("it has no Content-Disposition header");
    read.body = part.substr(head_end + (head_end == 0 ? kCrlf.size() : kHeadEnd.size()));
    parts_.push_back(std::move(read));
    return OkStatus();
  }

  Status ReadHeader(std::string_view line, bool& has_disposition, MultipartPart& part) const {
    const size_t colon = line.find(':');
    const bool is_header = colon != kNone && colon > 0 && kBlank.find(line.front()) == kNone &&
                           kBlank.find(line[colon - 1]) == kNone &&
                           line.find_first_of(std::string_view("\r\n\0", 3)) == kNone;
    if (!is_header) return Wrong("a header is not of the form 'Name: value'");
    const std::string_view value = Trim(line.substr(colon + 1));
    const HttpHeaders header = {{std::string(line.substr(0, colon)), std::string(value)}};
    const auto is = [&](std::string_view name) { return !FindHeader(header, name).empty(); };
    if (is("Content-Type")) part.content_type = value;
    if (is("Content-Transfer-Encoding")) return CheckEncoding(value);
    if (!is("Content-Disposition")) return OkStatus();
    if (std::exchange(has_disposition, true))
      return Wrong("it has two Content-Disposition headers");
    return ReadDisposition(value, part);
  }

  // RFC 7578 has no other than the bytes as they are.
  Status CheckEncoding(std::string_view value) const {
    for (const std::string_view plain : {"binary", "8bit", "7bit"}) {
      if (value == plain) return OkStatus();
    }
    return Wrong("its Content-Transfer-Encoding is not 'binary'");
  }

  Status ReadDisposition(std::string_view value, MultipartPart& part) const {
    const std::optional<ParameterizedValue> disposition = ParseParameters(value);
    if (!disposition.has_value() || disposition->value != "form-data") {
      return Wrong("its Content-Disposition is not 'form-data; name=...'");
    }
    const std::string* const name = disposition->Find("name");
    if (name == nullptr || name->empty()) return Wrong("it has no name");
    part.name = UnescapeName(*name);
    if (const std::string* file = disposition->Find("filename"); file != nullptr) {
      part.filename = WithoutFolders(UnescapeName(*file));
    }
    if (const std::string* file = disposition->Find("filename*"); file != nullptr) {
      const std::optional<std::string> decoded = ExtendedValue(*file);
      if (!decoded.has_value()) return Wrong("its filename* is not as in RFC 8187");
      part.filename = WithoutFolders(*decoded);
    }
    if (std::max(part.name.size(), part.filename.value_or("").size()) > limits_.max_name_bytes) {
      return OutOfRangeError(fmt::format("multipart: part {}: a name is longer than {} bytes",
                                         parts_.size() + 1, limits_.max_name_bytes));
    }
    return OkStatus();
  }

  std::string_view body_;
  const std::string delimiter_;
  const MultipartLimits& limits_;
  std::vector<MultipartPart> parts_;
};

}  // namespace

Result<std::string> MultipartBoundary(std::string_view content_type) {
  constexpr size_t kMaxBoundary = 70;
  const std::optional<ParameterizedValue> value = ParseParameters(content_type);
  const std::string* const boundary = value.has_value() ? value->Find("boundary") : nullptr;
  if (boundary == nullptr) {
    return InvalidArgumentError("multipart: the Content-Type header has no boundary");
  }
  if (boundary->empty() || boundary->size() > kMaxBoundary || boundary->ends_with(' ') ||
      !std::all_of(boundary->begin(), boundary->end(), IsBoundaryCharacter)) {
    return InvalidArgumentError(
        fmt::format("multipart: a boundary has 1 to {} letters, digits and marks", kMaxBoundary));
  }
  return *boundary;
}

Result<std::vector<MultipartPart>> ParseMultipart(std::string_view body, std::string_view boundary,
                                                  const MultipartLimits& limits) {
  return MultipartReader(body, boundary, limits).Read();
}

}  // namespace mao
