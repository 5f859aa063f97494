#include "serve/api/result_cache.h"

#include <string>
#include <type_traits>

#include <openssl/evp.h>

namespace mao {
namespace {

// Every field with its length in front, so that no two requests spell the same bytes.
class KeyWriter {
 public:
  template <typename T>
  KeyWriter& Add(const T& value) {
    if constexpr (std::is_arithmetic_v<T>) {
      bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
      const std::string_view text = value;
      Add(text.size());
      bytes_.append(text);
    } else {  // a container
      Add(value.size());
      for (const auto& element : value) Add(element);
    }
    return *this;
  }
  template <typename T>
  KeyWriter& Add(const std::optional<T>& value) {
    Add(value.has_value());
    return value.has_value() ? Add(*value) : *this;
  }
  template <typename... T>
  void AddAll(const T&... values) {
    (Add(values), ...);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

bool Sha256(std::string_view bytes, ResultKey& digest) {
  return EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1;
}

// Breaks the build when a field is added, which must then be part of the key.
void AddSampling(const SamplingParams& params, KeyWriter& key) {
  const auto& [temperature, top_k, top_p, min_p, seed, repetition_penalty, presence_penalty,
               frequency_penalty, no_repeat_ngram_size, no_repeat_ngram_window,
               no_repeat_ngram_whitelist, detect_loops, min_tokens, max_tokens, stop,
               stop_token_ids, ignore_eos, constraint, skip_special_tokens, logprobs] = params;
  key.AddAll(temperature, top_k, top_p, min_p, seed, repetition_penalty, presence_penalty,
             frequency_penalty, no_repeat_ngram_size, no_repeat_ngram_window,
             no_repeat_ngram_whitelist, detect_loops, min_tokens, max_tokens, stop, stop_token_ids,
             ignore_eos, skip_special_tokens, logprobs, constraint.has_value());
  if (constraint.has_value()) key.AddAll(static_cast<int>(constraint->kind), constraint->text);
}

size_t BytesOf(const Generation& answer) {
  return sizeof(Generation) + answer.text.size() + answer.token_ids.size() * sizeof(TokenId);
}

}  // namespace

std::optional<ResultKey> MakeResultKey(const GenerationRequest& request, std::string_view model,
                                       std::string_view image) {
  const SamplingParams& sampling = request.sampling;
  if (sampling.logprobs >= 0) return std::nullopt;
  if (!sampling.greedy() && !sampling.seed.has_value()) return std::nullopt;
  ResultKey image_digest{};
  if (!Sha256(image, image_digest)) return std::nullopt;
  KeyWriter key;
  key.AddAll(model, request.cache_salt, image_digest, request.image.page, request.image.dpi);
  key.AddAll(request.image_options.mode, request.image_options.max_tiles);
  key.Add(request.prompt.size());
  for (const PromptPiece& piece : request.prompt) {
    key.AddAll(piece.text, piece.parse_special_tokens);
  }
  AddSampling(sampling, key);
  ResultKey digest;
  if (!Sha256(key.bytes(), digest)) return std::nullopt;
  return digest;
}

std::shared_ptr<const Generation> ResultCache::Find(const ResultKey& key, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  ++stats_.num_queries;
  return FindLocked(key, now);
}

std::shared_ptr<const Generation> ResultCache::FindEarly(const ResultKey& key,
                                                         Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const Generation> known = FindLocked(key, now);
  if (known != nullptr) ++stats_.num_queries;
  return known;
}

std::shared_ptr<const Generation> ResultCache::FindLocked(const ResultKey& key,
                                                          Clock::time_point now) {
  const auto it = index_.find(key);
  if (it == index_.end()) return nullptr;
  const Entries::iterator entry = it->second;
  if (now - entry->inserted > limits_.max_age) {
    Remove(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  ++stats_.num_hits;
  return entry->answer;
}

void ResultCache::Insert(const ResultKey& key, const Generation& answer, Clock::time_point now) {
  const size_t bytes = BytesOf(answer);
  if (bytes > limits_.max_bytes) return;
  auto copy = std::make_shared<const Generation>(answer);
  const std::lock_guard lock(mutex_);
  if (const auto it = index_.find(key); it != index_.end()) Remove(it->second);
  while (stats_.bytes + bytes > limits_.max_bytes) Remove(std::prev(entries_.end()));
  entries_.push_front({key, std::move(copy), bytes, now});
  index_.emplace(key, entries_.begin());
  stats_.bytes += bytes;
  ++stats_.num_entries;
}

ResultCache::Stats ResultCache::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void ResultCache::Remove(Entries::iterator entry) {
  stats_.bytes -= entry->bytes;
  --stats_.num_entries;
  index_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace mao
