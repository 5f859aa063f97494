// Numbers of people and accounts that prove themselves by check digits.
#ifndef MAOOCR_OCR_CHECKSUMS_H_
#define MAOOCR_OCR_CHECKSUMS_H_

#include <cstddef>
#include <string_view>

namespace mao {

// The length that the IBAN registry states for a country ("DE": 22); 0: not in it.
size_t IbanLength(std::string_view country);

// Upper-case letters and digits without spaces, of its country's length, with remainder 1 modulo 97
// (ISO 13616, ISO 7064).
bool IsIban(std::string_view compact);

// 13 to 19 digits of an issuer of payment cards (Visa, Mastercard, American Express, Discover,
// Diners Club, JCB, UnionPay) that pass Luhn's check (ISO/IEC 7812-1).
bool IsCardNumber(std::string_view digits);

// A resident identity number of China: 17 digits and a digit or X, with a possible date of birth and
// the right check character (GB 11643-1999: ISO 7064, MOD 11-2).
bool IsChineseResidentId(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_OCR_CHECKSUMS_H_
