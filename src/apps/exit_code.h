// What the program's exit code tells a script. Shown by `maoocr --help`.
#ifndef MAOOCR_APPS_EXIT_CODE_H_
#define MAOOCR_APPS_EXIT_CODE_H_

namespace mao {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    // something could not be read or written, the rest was
inline constexpr int kExitUsage = 2;     // the command line asks for what does not exist
inline constexpr int kExitModel = 3;     // the model could not be opened
inline constexpr int kExitSignal = 128;  // plus the number of the signal: 130 for Ctrl-C

}  // namespace mao

#endif  // MAOOCR_APPS_EXIT_CODE_H_
