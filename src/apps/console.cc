#include "apps/console.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr std::chrono::milliseconds kRedrawInterval{100};
constexpr size_t kDefaultColumns = 80;
constexpr size_t kBarColumns = 20;
constexpr std::string_view kReplacement = "\uFFFD";

size_t TerminalColumns() {
  struct winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultColumns;
  return size.ws_col;
}

std::string FormatDuration(double seconds) {
  const auto total = static_cast<long>(std::min(seconds, 359999.0));
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u; }

size_t NumCharacters(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), IsContinuation));
}

// The last `count` characters, with a mark if some are left out.
std::string KeepEnd(std::string_view text, size_t count) {
  const size_t size = NumCharacters(text);
  if (size <= count) return std::string(text);
  if (count == 0) return "";
  for (size_t dropped = 0; dropped < size - count + 1;) {
    text.remove_prefix(1);
    while (!text.empty() && IsContinuation(text.front())) text.remove_prefix(1);
    ++dropped;
  }
  return "…" + std::string(text);
}

}  // namespace

std::string FormatProgress(const Progress& progress, size_t width) {
  const size_t total = std::max<size_t>(progress.num_files, 1);
  const size_t filled = std::min(progress.num_done, total) * kBarColumns / total;
  const std::string front = fmt::format(
      "[{}{}] {}/{}{}{}", std::string(filled, '#'), std::string(kBarColumns - filled, '.'),
      progress.num_done, progress.num_files, progress.unit.empty() ? "" : " ", progress.unit);
  std::string back;
  if (progress.tokens_per_s > 0) back += fmt::format("  {:.0f} tokens/s", progress.tokens_per_s);
  if (progress.num_done > 0 && progress.num_done < progress.num_files) {
    const double left = progress.seconds / static_cast<double>(progress.num_done) *
                        static_cast<double>(progress.num_files - progress.num_done);
    back += "  ETA " + FormatDuration(left);
  }
  if (front.size() + back.size() > width) return front.substr(0, width);
  const size_t room = width - front.size() - back.size();
  const std::string name = Printable(progress.current);
  if (name.empty() || room < 4) return front + back;
  return front + "  " + KeepEnd(name, room - 2) + back;
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() &&
                       static_cast<unsigned char>(text[i + 1]) < 0xA0 &&
                       IsContinuation(text[i + 1]);
    if (is_c0 || is_c1) {
      out += kReplacement;
      i += is_c1 ? 1 : 0;
    } else {
      out += text[i];
    }
  }
  return out;
}

Console::Console(bool quiet)
    : quiet_(quiet),
      output_is_terminal_(isatty(STDOUT_FILENO) == 1),
      error_is_terminal_(isatty(STDERR_FILENO) == 1) {}

Console::~Console() { HideProgress(); }

Status Console::Print(std::string_view text) {
  if (!output_status_.ok() || text.empty()) return output_status_;
  HideProgress();
  const std::string printable = output_is_terminal_ ? Printable(text) : std::string();
  if (output_is_terminal_) text = printable;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    output_status_ =
        DataLossError(fmt::format("standard output: cannot write: {}", std::strerror(errno)));
  }
  return output_status_;
}

void Console::Error(std::string_view subject, std::string_view message) { Tell(subject, message); }

void Console::Warn(std::string_view subject, std::string_view message) {
  if (!quiet_) Tell(subject, fmt::format("warning: {}", message));
}

void Console::Say(std::string_view message) {
  if (!quiet_) Tell("", message);
}

void Console::Note(std::string_view message) {
  if (!quiet_ && error_is_terminal_) Tell("", message);
}

void Console::ShowProgress(const Progress& progress) {
  if (quiet_ || !error_is_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  const bool is_news = !progress_is_shown_ || progress.num_done != num_done_shown_;
  if (!is_news && now < next_draw_) return;
  next_draw_ = now + kRedrawInterval;
  num_done_shown_ = progress.num_done;
  progress_is_shown_ = true;
  // The last column stays free: some terminals wrap when it is written.
  fmt::print(stderr, "\r{}\x1b[K", FormatProgress(progress, TerminalColumns() - 1));
}

void Console::HideProgress() {
  if (!progress_is_shown_) return;
  progress_is_shown_ = false;
  fmt::print(stderr, "\r\x1b[K");
}

void Console::Tell(std::string_view subject, std::string_view message) {
  HideProgress();
  const bool has_subject = subject.empty() || (message.starts_with(subject) &&
                                               message.substr(subject.size()).starts_with(':'));
  const std::string line =
      has_subject ? std::string(message) : fmt::format("{}: {}", subject, message);
  fmt::print(stderr, "maoocr: {}\n", Printable(line));
}

}  // namespace mao
