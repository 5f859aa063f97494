// Finds what identifies people in a text, by rules alone: no model is asked.
#ifndef MAOOCR_OCR_SENSITIVE_TEXT_H_
#define MAOOCR_OCR_SENSITIVE_TEXT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mao {

enum class SensitiveKind { kEmail, kIban, kIdNumber, kCreditCard, kIpAddress, kPhone };

// "email", "iban", "id_number", "credit_card", "ip_address", "phone".
std::string_view SensitiveKindName(SensitiveKind kind);

struct SensitiveSpan {
  SensitiveKind kind;
  size_t begin;  // bytes of the text
  size_t end;
  bool operator==(const SensitiveSpan&) const = default;
};

// In the order of the text, never overlapping. Full-width letters and digits count as ASCII. What
// has check digits must pass them: IBANs, payment cards, resident identity numbers of China. E-mail
// addresses need a domain with a dot; IP addresses are IPv4 and IPv6. Telephone numbers have none,
// so they must look like one: with +, as a mobile or area number of China, as one of North America,
// or grouped with a leading 0. Linear time: no number or address is looked at beyond 320 bytes.
std::vector<SensitiveSpan> FindSensitiveText(std::string_view text);

// The text with "[EMAIL]", "[PHONE]" and so on in place of the spans, which are in order.
std::string RedactText(std::string_view text, std::span<const SensitiveSpan> spans);

}  // namespace mao

#endif  // MAOOCR_OCR_SENSITIVE_TEXT_H_
