// Files of NAME=value lines, read as docker compose reads its .env.
#ifndef MAOOCR_SERVE_CONFIG_DOTENV_H_
#define MAOOCR_SERVE_CONFIG_DOTENV_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mao {

inline constexpr size_t kMaxDotenvBytes = size_t{1} << 20;
inline constexpr size_t kMaxDotenvEntries = 10000;

struct DotenvEntry {
  std::string name;
  std::string value;
  int line = 0;  // where the name stands
  // The value has an unquoted or double-quoted $NAME, ${NAME} or $(command), which are not expanded
  // here: value has them as they stand.
  bool has_expansion = false;
};

struct DotenvError {
  int line = 0;
  std::string message;
};

struct DotenvFile {
  std::vector<DotenvEntry> entries;  // in the order of the file; of equal names the last counts
  std::vector<DotenvError> errors;   // each of one line, whose entry is missing
};

//   # comment                 blank lines and comments
//   NAME=value                up to the end of the line, or to a # behind a blank; trimmed
//   export NAME = value       `export` and blanks around = are allowed
//   NAME='as it \n stands'    only \' means something: '
//   NAME="line\nbreak"        \n \r \t \f \b \v \a \" \\ \$ as in C; other pairs stay as they are
//   NAME                      no entry: as in the environment
//
// Quoted values may span lines; behind them only a comment may stand. Names are of letters, digits,
// '_', '.' and '-', up to 256. Text beyond kMaxDotenvBytes is an error, as are NUL bytes.
DotenvFile ParseDotenv(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_DOTENV_H_
