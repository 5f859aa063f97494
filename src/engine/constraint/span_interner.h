// Gives equal sequences equal numbers, counted from zero.
#ifndef MAOOCR_ENGINE_CONSTRAINT_SPAN_INTERNER_H_
#define MAOOCR_ENGINE_CONSTRAINT_SPAN_INTERNER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mao {

// T is made of uint32_t without padding. Memory is taken as sequences are added, never otherwise.
template <typename T>
class SpanInterner {
 public:
  static_assert(sizeof(T) % sizeof(uint32_t) == 0 && alignof(T) == alignof(uint32_t));

  SpanInterner() : slots_(64, kEmpty) {}

  // Sequences with different tags are different. `sequence` must not lie in this interner.
  uint32_t Intern(std::span<const T> sequence, bool tag = false) {
    size_t slot = Hash(sequence, tag) & (slots_.size() - 1);
    for (; slots_[slot] != kEmpty; slot = (slot + 1) & (slots_.size() - 1)) {
      const uint32_t id = slots_[slot];
      if (tags_[id] == tag && std::ranges::equal((*this)[id], sequence)) return id;
    }
    const auto id = static_cast<uint32_t>(tags_.size());
    slots_[slot] = id;
    elements_.insert(elements_.end(), sequence.begin(), sequence.end());
    begins_.push_back(elements_.size());
    tags_.push_back(tag);
    if (2 * tags_.size() > slots_.size()) Grow();
    return id;
  }

  std::span<const T> operator[](uint32_t id) const {
    return std::span(elements_).subspan(begins_[id], begins_[id + 1] - begins_[id]);
  }
  bool tag(uint32_t id) const { return tags_[id]; }
  size_t size() const { return tags_.size(); }
  size_t num_elements() const { return elements_.size(); }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;

  static size_t Hash(std::span<const T> sequence, bool tag) {
    uint64_t hash = tag ? 1 : 0;
    const auto* words = reinterpret_cast<const uint32_t*>(sequence.data());
    for (size_t i = 0; i < sequence.size_bytes() / sizeof(uint32_t); ++i) {
      hash = (hash ^ words[i]) * 0x9E3779B97F4A7C15U;
      hash ^= hash >> 29;
    }
    return static_cast<size_t>(hash ^ (hash >> 32));
  }

  void Grow() {
    slots_.assign(2 * slots_.size(), kEmpty);
    for (uint32_t id = 0; id < tags_.size(); ++id) {
      size_t slot = Hash((*this)[id], tags_[id]) & (slots_.size() - 1);
      while (slots_[slot] != kEmpty) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = id;
    }
  }

  std::vector<T> elements_;
  std::vector<size_t> begins_ = {0};
  std::vector<bool> tags_;
  std::vector<uint32_t> slots_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_SPAN_INTERNER_H_
