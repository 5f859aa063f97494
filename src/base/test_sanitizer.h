// For tests of all layers: whether a sanitizer makes this build some ten times slower, so that tests
// of whole pages take fewer and shorter ones through the same code.
#ifndef MAOOCR_BASE_TEST_SANITIZER_H_
#define MAOOCR_BASE_TEST_SANITIZER_H_

namespace mao {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kUnderSanitizer = true;
#else
inline constexpr bool kUnderSanitizer = false;
#endif

}  // namespace mao

#endif  // MAOOCR_BASE_TEST_SANITIZER_H_
