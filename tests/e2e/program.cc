#include "tests/e2e/program.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mao {
namespace {

struct Pipe {
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  }
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  void CloseRead() { Close(0); }
  void CloseWrite() { Close(1); }
  void Close(int end) {
    if (ends[end] >= 0) close(ends[end]);
    ends[end] = -1;
  }
  int ends[2] = {-1, -1};
};

[[noreturn]] void Execute(const std::vector<std::string>& arguments,
                          const ProgramOptions& options) {
  setenv("LSAN_OPTIONS",
         "print_suppressions=0:suppressions=" MAOOCR_SOURCE_DIR "/tests/e2e/leak_suppressions.txt",
         0);
  const std::string program = options.program.empty() ? MAOOCR_PROGRAM : options.program;
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> env;
  for (const std::string& entry : options.environment) {
    env.push_back(const_cast<char*>(entry.c_str()));
  }
  env.push_back(nullptr);
  if (!options.working_folder.empty() && chdir(options.working_folder.c_str()) != 0) _exit(127);
  execve(program.c_str(), argv.data(), options.environment.empty() ? environ : env.data());
  _exit(127);
}

int ExitCode(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Appends what there is; false at the end.
bool ReadSome(int fd, std::string& text) {
  char buffer[1 << 16];
  const ssize_t count = read(fd, buffer, sizeof(buffer));
  if (count > 0) text.append(buffer, static_cast<size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

}  // namespace

ProgramResult RunProgram(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  Pipe in;
  Pipe out;
  Pipe err;
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(in.ends[0], STDIN_FILENO);
    dup2(options.output_file.empty() ? out.ends[1] : open(options.output_file.c_str(), O_WRONLY),
         STDOUT_FILENO);
    dup2(err.ends[1], STDERR_FILENO);
    Execute(arguments, options);
  }
  in.CloseRead();
  out.CloseWrite();
  err.CloseWrite();
  // Small enough for the buffer of a pipe, or read before the program writes much.
  std::signal(SIGPIPE, SIG_IGN);
  for (size_t done = 0; done < options.input.size();) {
    const ssize_t count =
        write(in.ends[1], options.input.data() + done, options.input.size() - done);
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  in.CloseWrite();
  ProgramResult result;
  pollfd fds[] = {{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0) {
      if (!ReadSome(fds[0].fd, result.out)) fds[0].fd = -1;
      if (options.on_output) options.on_output(result.out, pid);
    }
    if (fds[1].revents != 0 && !ReadSome(fds[1].fd, result.err)) fds[1].fd = -1;
  }
  result.exit_code = ExitCode(pid);
  return result;
}

ProgramResult RunProgramInTerminal(const std::vector<std::string>& arguments) {
  struct winsize size = {};
  size.ws_col = 100;
  size.ws_row = 40;
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) Execute(arguments, {});
  std::string text;
  while (ReadSome(terminal, text)) {  // EIO once the program has ended
  }
  close(terminal);
  ProgramResult result;
  result.exit_code = ExitCode(pid);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') result.out += text[i];
  }
  return result;
}

}  // namespace mao
