#include "text/unicode_form.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/core.h>
#include <utf8proc.h>

#include "text/utf8.h"

namespace mao {

namespace {

// The longest decomposition of one character (U+FDFA, compatibility).
constexpr size_t kMaxDecomposition = 18;

bool IsCompatibility(UnicodeForm form) {
  return form == UnicodeForm::kNfkc || form == UnicodeForm::kNfkd;
}

bool IsComposed(UnicodeForm form) {
  return form == UnicodeForm::kNfc || form == UnicodeForm::kNfkc;
}

// Characters that NFC leaves alone next to each other: Latin below the combining marks, common
// punctuation, kana, ideographs, Hangul syllables, full-width forms. Nearly all text is made of
// them, and looking is much cheaper than normalising.
bool IsStableUnderNfc(char32_t c) {
  return c < 0x300 || (c >= 0x2010 && c <= 0x2027) || (c >= 0x3000 && c <= 0x3029) ||
         (c >= 0x3041 && c <= 0x3096) || (c >= 0x30A1 && c <= 0x30FA) ||
         (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xFF01 && c <= 0xFFEE);
}

bool IsUnchanged(const std::string& text, UnicodeForm form) {
  for (size_t pos = 0; pos < text.size();) {
    const Utf8Char c = DecodeUtf8(text, pos);
    const bool stable =
        form == UnicodeForm::kNfc ? IsStableUnderNfc(c.code_point) : c.code_point < 0x80;
    if (!stable) return false;
    pos += c.size;
  }
  return true;
}

using CodePoints = std::vector<utf8proc_int32_t>;

Status Decompose(const std::string& text, UnicodeForm form, CodePoints& out) {
  const auto options = static_cast<utf8proc_option_t>(
      UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (IsCompatibility(form) ? UTF8PROC_COMPAT : 0));
  std::array<utf8proc_int32_t, kMaxDecomposition> buffer{};
  for (size_t pos = 0; pos < text.size();) {
    const Utf8Char c = DecodeUtf8(text, pos);
    int boundary_class = 0;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code_point), buffer.data(),
                                buffer.size(), options, &boundary_class);
    if (count < 0 || static_cast<size_t>(count) > buffer.size()) {
      return InternalError(
          fmt::format("no decomposition of U+{:04X}", static_cast<uint32_t>(c.code_point)));
    }
    out.insert(out.end(), buffer.begin(), buffer.begin() + count);
    pos += c.size;
  }
  return OkStatus();
}

int CombiningClass(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

// Canonical ordering. utf8proc's own sorts by swapping neighbours, which is quadratic.
void SortMarks(CodePoints& text) {
  const auto is_mark = [](utf8proc_int32_t c) { return CombiningClass(c) != 0; };
  for (auto it = text.begin(); it != text.end();) {
    const auto begin = std::find_if(it, text.end(), is_mark);
    it = std::find_if_not(begin, text.end(), is_mark);
    std::stable_sort(begin, it, [](utf8proc_int32_t a, utf8proc_int32_t b) {
      return CombiningClass(a) < CombiningClass(b);
    });
  }
}

}  // namespace

Result<std::string> ToUnicodeForm(std::string text, UnicodeForm form) {
  if (IsUnchanged(text, form)) return text;
  CodePoints code_points;
  code_points.reserve(text.size());
  MAO_RETURN_IF_ERROR(Decompose(text, form, code_points));
  SortMarks(code_points);
  if (IsComposed(form)) {
    const utf8proc_ssize_t size = utf8proc_normalize_utf32(
        code_points.data(), static_cast<utf8proc_ssize_t>(code_points.size()),
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (size < 0) return InternalError("utf8proc cannot compose the text");
    code_points.resize(static_cast<size_t>(size));
  }
  std::string out;
  out.reserve(text.size());
  for (const utf8proc_int32_t c : code_points) AppendUtf8(static_cast<char32_t>(c), out);
  return out;
}

}  // namespace mao
