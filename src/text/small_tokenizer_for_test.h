// Builds small tokenizer.json texts for tests.
#ifndef MAOOCR_TEXT_SMALL_TOKENIZER_FOR_TEST_H_
#define MAOOCR_TEXT_SMALL_TOKENIZER_FOR_TEST_H_

#include <string>

namespace mao {

// Each member is JSON text; the default is a tokenizer of single characters with two merges:
// a=0 b=1 c=2 ab=3 abc=4.
struct SmallTokenizer {
  std::string vocab = R"({"a":0,"b":1,"c":2,"ab":3,"abc":4})";
  std::string merges = R"([["a","b"],["ab","c"]])";
  std::string model_options = R"("type":"BPE")";
  std::string added_tokens = "[]";
  std::string normalizer = "null";
  std::string pre_tokenizer = "null";
  std::string post_processor = "null";
  std::string decoder = R"({"type":"Fuse"})";

  std::string Json() const {
    return "{\"added_tokens\":" + added_tokens + ",\"normalizer\":" + normalizer +
           ",\"pre_tokenizer\":" + pre_tokenizer + ",\"post_processor\":" + post_processor +
           ",\"decoder\":" + decoder + ",\"model\":{" + model_options + ",\"vocab\":" + vocab +
           ",\"merges\":" + merges + "}}";
  }
};

}  // namespace mao

#endif  // MAOOCR_TEXT_SMALL_TOKENIZER_FOR_TEST_H_
