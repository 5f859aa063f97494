// Prompts and images of DeepSeek-OCR before the network.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_PROCESSOR_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_PROCESSOR_H_

#include <string>
#include <vector>

#include "models/model.h"

namespace mao::deepseek_ocr {

// The size modes of the paper: one view of `base` pixels, or with crop a global view of `base` and
// tiles of `tile` pixels.
struct SizeMode {
  std::string_view name;
  int base;
  int tile;
  bool crop;
};

// Names for people and errors: auto, then the modes.
std::vector<std::string> ModeNames();

// "auto" resolved for an image: base up to a longer side of 1280 pixels, where a page still reads
// well in one view, gundam above.
Result<SizeMode> ResolveMode(const std::string& name, int width, int height);

// The views of an image. Errors: InvalidArgument for an unknown mode, max_tiles outside 2..9, or an
// image so thin that its letterbox has no pixels.
Result<PreparedImage> PrepareImage(const Image& image, const ImageOptions& options,
                                   ThreadPool* pool);

// [bos] + placeholders + text; without an image [bos] + text. White space at the end of the text is
// stripped, as the reference does.
Result<std::vector<TokenId>> PromptTokens(const Tokenizer& tokenizer, TokenId bos,
                                          TokenId placeholder, int64_t num_rows,
                                          const std::vector<PromptPiece>& text);

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_PROCESSOR_H_
