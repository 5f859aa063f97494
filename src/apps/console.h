// Standard output carries results and nothing else; standard error carries what a person is told.
#ifndef MAOOCR_APPS_CONSOLE_H_
#define MAOOCR_APPS_CONSOLE_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

struct Progress {
  size_t num_done = 0;
  size_t num_files = 0;
  std::string_view current;  // the file that is being read
  double tokens_per_s = 0;
  double seconds = 0;          // since the start
  std::string_view unit = {};  // of the counts, when they are not of files, as in "MB"
};

// The progress as one line of at most `width` columns: a bar, counts, file, speed, time left.
std::string FormatProgress(const Progress& progress, size_t width);

// The text with every control character but line feed and tab replaced by U+FFFD, so that neither
// a file's name nor what a page says can steer a terminal.
std::string Printable(std::string_view text);

class Console {
 public:
  // quiet: errors are the only thing told.
  explicit Console(bool quiet);
  // Takes the progress line away.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  bool output_is_terminal() const { return output_is_terminal_; }
  bool error_is_terminal() const { return error_is_terminal_; }

  // To standard output, at once. DataLoss (a full disk, say), then and ever after.
  [[nodiscard]] Status Print(std::string_view text);

  // "maoocr: SUBJECT: message" to standard error; the subject is left out if it is empty or stands
  // in front of the message already.
  void Error(std::string_view subject, std::string_view message);
  void Warn(std::string_view subject, std::string_view message);
  // To standard error, unless quiet.
  void Say(std::string_view message);
  // What only a person at a terminal wants to know.
  void Note(std::string_view message);

  // Draws the progress line, if standard error is a terminal; at most ten times a second unless
  // num_done has changed.
  void ShowProgress(const Progress& progress);
  void HideProgress();

 private:
  void Tell(std::string_view subject, std::string_view message);

  bool quiet_;
  bool output_is_terminal_;
  bool error_is_terminal_;
  bool progress_is_shown_ = false;
  size_t num_done_shown_ = 0;
  std::chrono::steady_clock::time_point next_draw_;
  Status output_status_;
};

}  // namespace mao

#endif  // MAOOCR_APPS_CONSOLE_H_
