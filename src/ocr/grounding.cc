#include "ocr/grounding.h"

#include <algorithm>

#include "ocr/det_parser.h"

namespace mao {
namespace {

constexpr std::string_view kRefOpen = "<|ref|>";
constexpr std::string_view kRefCloseDetOpen = "<|/ref|><|det|>";
constexpr std::string_view kDetClose = "<|/det|>";
constexpr std::string_view kEndOfText = "<｜end▁of▁sentence｜>";
constexpr std::string_view kAsciiSpace = " \t\n\v\f\r";
constexpr size_t kNone = std::string_view::npos;

std::string_view Strip(std::string_view text) {
  const size_t begin = text.find_first_not_of(kAsciiSpace);
  if (begin == kNone) return {};
  return text.substr(begin, text.find_last_not_of(kAsciiSpace) + 1 - begin);
}

// Finds one tag again and again from places that only move forward; linear over all calls.
class TagFinder {
 public:
  TagFinder(std::string_view text, std::string_view tag) : text_(text), tag_(tag) {}

  size_t From(size_t at) {
    if (found_ != kNone && (!searched_ || found_ < at)) found_ = text_.find(tag_, at);
    searched_ = true;
    return found_;
  }

 private:
  std::string_view text_;
  std::string_view tag_;
  bool searched_ = false;
  size_t found_ = 0;
};

class GroundingReader {
 public:
  explicit GroundingReader(std::string_view text) : text_(text) {}

  std::vector<GroundingBlock> Read() {
    for (size_t at = 0; blocks_.size() < kMaxGroundingBlocks;) {
      std::optional<GroundingBlock> block = NextTag(at);
      if (!block) break;
      at = block->text_begin;
      blocks_.push_back(*std::move(block));
    }
    FillTexts();
    return std::move(blocks_);
  }

 private:
  // A det and where the text after it begins.
  struct Det {
    std::string_view text;
    size_t end;
    bool closed;
  };

  std::optional<GroundingBlock> NextTag(size_t from) {
    const size_t begin = refs_.From(from);
    if (begin == kNone) return std::nullopt;
    const size_t label = begin + kRefOpen.size();
    const size_t label_end = dets_.From(label);
    if (label_end == kNone) return std::nullopt;
    const std::optional<Det> det = ReadDet(label_end + kRefCloseDetOpen.size());
    if (!det) return std::nullopt;
    GroundingBlock block;
    block.label = std::string(text_.substr(label, label_end - label));
    block.boxes = ParseBoxesLenient(det->text);
    block.well_formed = det->closed && ParseBoxesStrict(det->text) == block.boxes;
    block.begin = begin;
    block.text_begin = det->end;
    return block;
  }

  // As far as the closing tag. If another block begins before it, or it is missing, then as far as
  // the text looks like a det, provided that it holds a box; at the end of the text, nothing but
  // the beginning of the closing tag may follow.
  std::optional<Det> ReadDet(size_t at) {
    const size_t close = det_closes_.From(at);
    if (close != kNone && refs_.From(at) > close) {
      return Det{text_.substr(at, close - at), close + kDetClose.size(), true};
    }
    const std::string_view rest = text_.substr(at);
    const std::string_view det = rest.substr(0, DetExtent(rest));
    const bool acceptable = close != kNone || kDetClose.starts_with(Strip(rest.substr(det.size())));
    if (acceptable && !ParseBoxesLenient(det).empty()) {
      return Det{det, close == kNone ? text_.size() : at + det.size(), false};
    }
    if (close == kNone) return std::nullopt;
    return Det{text_.substr(at, close - at), close + kDetClose.size(), true};
  }

  void FillTexts() {
    for (size_t i = 0; i < blocks_.size(); ++i) {
      GroundingBlock& block = blocks_[i];
      block.end = i + 1 < blocks_.size() ? blocks_[i + 1].begin : text_.size();
      block.text = Strip(text_.substr(block.text_begin, block.end - block.text_begin));
    }
    GroundingBlock lead;
    lead.end = blocks_.empty() ? text_.size() : blocks_.front().begin;
    lead.text = Strip(text_.substr(0, lead.end));
    if (!lead.text.empty()) blocks_.insert(blocks_.begin(), std::move(lead));
  }

  std::string_view text_;
  TagFinder refs_{text_, kRefOpen};
  TagFinder dets_{text_, kRefCloseDetOpen};
  TagFinder det_closes_{text_, kDetClose};
  std::vector<GroundingBlock> blocks_;
};

}  // namespace

std::string_view WithoutEndOfText(std::string_view raw_text) {
  const size_t last = raw_text.find_last_not_of(kAsciiSpace);
  if (last == kNone) return raw_text;
  const std::string_view trimmed = raw_text.substr(0, last + 1);
  if (!trimmed.ends_with(kEndOfText)) return raw_text;
  return trimmed.substr(0, trimmed.size() - kEndOfText.size());
}

std::vector<GroundingBlock> ParseGrounding(std::string_view raw_text) {
  return GroundingReader(WithoutEndOfText(raw_text)).Read();
}

}  // namespace mao
