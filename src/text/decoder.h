// The decoders of tokenizer.json, as a pipeline that takes one token at a time, so that decoding a
// whole sequence and streaming it are the same code.
#ifndef MAOOCR_TEXT_DECODER_H_
#define MAOOCR_TEXT_DECODER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "text/pattern.h"

namespace mao {

class Decoder {
 public:
  struct JoinWithSpaces {};  // what happens without a decoder
  struct ByteLevel {};       // characters to bytes; ill-formed UTF-8 becomes U+FFFD; fuses
  struct ByteFallback {};    // runs of <0xNN> to text, or one U+FFFD per token if not UTF-8
  struct Fuse {};            // all tokens become one
  struct Replace {           // in each token
    Pattern pattern;
    std::string content;
  };
  struct Strip {  // up to so many of this character from both ends of each token
    char32_t content;
    size_t start;
    size_t stop;
  };
  struct Metaspace {  // `replacement` to a space, or to nothing in the first token
    char32_t replacement;
    bool drop_in_first;
  };
  using Step =
      std::variant<JoinWithSpaces, ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace>;

  // Errors: Unimplemented when ByteLevel, ByteFallback or Replace come after a step that fuses:
  // they would have to wait for the end of the text.
  static Result<Decoder> Create(std::vector<Step> steps);

  // What one token adds to a text that is decoded as bytes: see Tokenizer::TokenBytes.
  std::string TokenBytes(std::string_view token, bool first) const;
  Status CheckTokenBytes() const;

 private:
  friend class DecodeStream;
  explicit Decoder(std::vector<Step> steps) : steps_(std::move(steps)) {}

  std::vector<Step> steps_;
  std::vector<bool> input_is_fused_;  // of each step
};

// The state of one decoding. What Push has appended never changes later.
class DecodeStream {
 public:
  // `decoder` must outlive the stream.
  explicit DecodeStream(const Decoder& decoder);

  // Appends to `out` what is certain after `token` (text of a token in the vocabulary's spelling).
  void Push(std::string_view token, std::string& out) { Feed(0, token, out); }

  // Appends the rest; nothing may be pushed afterwards.
  void Finish(std::string& out);

 private:
  struct StepState {
    std::string pending;      // bytes that wait for more
    size_t num_leading = 0;   // Strip: characters taken at the start
    size_t num_trailing = 0;  // Strip: characters held back, maybe the end
    bool started = false;     // a token (Strip: another character) has been seen
  };

  void Feed(size_t step, std::string_view token, std::string& out);
  void Flush(size_t step, std::string& out);

  void Run(const Decoder::JoinWithSpaces&, size_t step, std::string_view token, std::string& out);
  void Run(const Decoder::ByteLevel&, size_t step, std::string_view token, std::string& out);
  void Run(const Decoder::ByteFallback&, size_t step, std::string_view token, std::string& out);
  void Run(const Decoder::Fuse&, size_t step, std::string_view token, std::string& out);
  void Run(const Decoder::Replace&, size_t step, std::string_view token, std::string& out);
  void Run(const Decoder::Strip&, size_t step, std::string_view token, std::string& out);
  void Run(const Decoder::Metaspace&, size_t step, std::string_view token, std::string& out);
  void FlushByteRun(size_t step, std::string& out);

  const Decoder& decoder_;
  std::vector<StepState> states_;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_DECODER_H_
