#include "vision/pdf/limited_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>
#include <span>
#include <string_view>
#include <thread>

#include <fmt/core.h>

#include "vision/pdf/file_descriptor.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kMaxErrorBytes = 4096;
constexpr int kExecFailed = 127;
constexpr int kSignalBase = 128;
constexpr milliseconds kStopInterval{50};  // how late a stop request may be noticed
// Descriptors of the parent's side stay above those that the child arranges for itself.
constexpr int kFirstParentFd = 10;
constexpr rlim_t kMaxOpenFiles = 64;
constexpr int kChildInputFd = 3;

std::string FindProgram(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    std::string program = std::string(folder) + "/" + name;
    if (folder.starts_with('/') && access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

Status SystemError(const std::string& program, std::string_view what) {
  return ResourceExhaustedError(fmt::format("{}: {}: error {}", program, what, errno));
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

FileDescriptor HighCopy(int fd) {
  return FileDescriptor(fcntl(fd, F_DUPFD_CLOEXEC, kFirstParentFd));
}

bool OpenPipe(Pipe& opened) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  const FileDescriptor read_end(ends[0]);
  const FileDescriptor write_end(ends[1]);
  opened.read_end = HighCopy(read_end.get());
  opened.write_end = HighCopy(write_end.get());
  return opened.read_end.is_open() && opened.write_end.is_open();
}

// All that the child needs, made before it exists: between vfork and exec it shares our memory and
// may only make system calls.
struct ChildSetup {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int null_fd;
  int output_fd;
  int error_fd;
  int input_fd;
  rlim_t memory_bytes;
  rlim_t seconds;
};

void Limit(decltype(RLIMIT_AS) what, rlim_t limit) {
  const rlimit both = {limit, limit};
  setrlimit(what, &both);
}

[[noreturn]] void BecomeChild(const ChildSetup& setup) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  dup2(setup.null_fd, STDIN_FILENO);
  dup2(setup.output_fd, STDOUT_FILENO);
  dup2(setup.error_fd, STDERR_FILENO);
  dup2(setup.input_fd, kChildInputFd);
  close_range(kChildInputFd + 1, ~0U, 0);
  Limit(RLIMIT_AS, setup.memory_bytes);
  Limit(RLIMIT_CPU, setup.seconds);
  Limit(RLIMIT_FSIZE, 0);
  Limit(RLIMIT_NOFILE, kMaxOpenFiles);
  Limit(RLIMIT_CORE, 0);
  // A program that tries to write a file gets an error instead of a signal.
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(setup.program, setup.arguments, setup.environment);
  _exit(kExecFailed);
}

// fork would copy the page tables of a process that may hold a large model. With signals blocked no
// handler of ours can run in the child while it shares our memory.
pid_t Spawn(const ChildSetup& setup) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = vfork();         // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (child == 0) BecomeChild(setup);  // NOLINT(clang-analyzer-unix.Vfork)
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return child;
}

class Child {
 public:
  Child(pid_t pid, std::string name, const ProcessLimits& limits, const std::stop_token& stop)
      : pid_(pid), name_(std::move(name)), limits_(limits), stop_(stop) {}
  ~Child() {
    if (pid_ > 0) Kill();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Takes both streams to their ends.
  Status Read(FileDescriptor output, FileDescriptor errors, ProcessOutput& result) {
    while (output.is_open() || errors.is_open()) {
      MAO_RETURN_IF_ERROR(CheckTime());
      pollfd fds[2] = {{output.get(), POLLIN, 0}, {errors.get(), POLLIN, 0}};
      const int count = poll(fds, 2, static_cast<int>(kStopInterval.count()));
      if (count < 0 && errno != EINTR) return SystemError(name_, "poll");
      if (count <= 0) continue;
      if (fds[0].revents != 0) {
        if (!Take(output, [&](std::span<const uint8_t> bytes) {
              result.output.insert(result.output.end(), bytes.begin(), bytes.end());
            })) {
          output.Close();
        }
        if (result.output.size() > limits_.max_output_bytes) {
          return OutOfRangeError(fmt::format("{}: more output than the limit of {} bytes", name_,
                                             limits_.max_output_bytes));
        }
      }
      if (fds[1].revents != 0 && !Take(errors, [&](std::span<const uint8_t> bytes) {
            AppendPrintable(bytes, result.errors);
          })) {
        errors.Close();
      }
    }
    return OkStatus();
  }

  Result<int> Wait() {
    constexpr milliseconds kInterval{2};
    while (true) {
      int status = 0;
      const pid_t ended = waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) {
        pid_ = -1;
        return WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
      }
      if (ended < 0 && errno != EINTR) {
        pid_ = -1;
        return InternalError(fmt::format("{}: waitpid: error {}", name_, errno));
      }
      MAO_RETURN_IF_ERROR(CheckTime());
      std::this_thread::sleep_for(kInterval);
    }
  }

 private:
  Status CheckTime() const {
    if (stop_.stop_requested()) return CancelledError(name_ + ": cancelled");
    if (Clock::now() < end_) return OkStatus();
    return DeadlineExceededError(
        fmt::format("{}: took longer than the limit of {} ms", name_, limits_.max_time.count()));
  }

  // False at the end of the stream.
  template <typename Sink>
  static bool Take(const FileDescriptor& from, Sink sink) {
    uint8_t buffer[1 << 16];
    const ssize_t count = read(from.get(), buffer, sizeof(buffer));
    if (count > 0) sink(std::span<const uint8_t>(buffer, static_cast<size_t>(count)));
    return count > 0 || (count < 0 && errno == EINTR);
  }

  static void AppendPrintable(std::span<const uint8_t> bytes, std::string& text) {
    constexpr uint8_t kFirst = 0x20;
    constexpr uint8_t kLast = 0x7e;
    for (const uint8_t byte : bytes) {
      if (text.size() >= kMaxErrorBytes) return;
      text += byte == '\n' || (byte >= kFirst && byte <= kLast) ? static_cast<char>(byte) : '?';
    }
  }

  void Kill() {
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);  // should it not have reached its own group yet
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  pid_t pid_;
  const std::string name_;
  const ProcessLimits& limits_;
  const std::stop_token& stop_;
  const Clock::time_point end_ = Clock::now() + limits_.max_time;
};

}  // namespace

Result<ProcessOutput> RunLimited(const std::vector<std::string>& arguments, int input,
                                 const ProcessLimits& limits, const std::stop_token& stop) {
  const std::string& name = arguments.front();
  const std::string program = FindProgram(name);
  if (program.empty()) {
    return UnimplementedError(name + ": not installed; PDF files need the package poppler-utils");
  }
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));  // NOLINT(*-const-cast): execve's type
  }
  pointers.push_back(nullptr);
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::string language = "LANG=C.UTF-8";
  char* const environment[] = {path.data(), language.data(), nullptr};
  Pipe output;
  Pipe errors;
  const FileDescriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor high_null = HighCopy(null.get());
  const FileDescriptor high_input = HighCopy(input);
  if (!OpenPipe(output) || !OpenPipe(errors) || !high_null.is_open() || !high_input.is_open()) {
    return SystemError(name, "no descriptors");
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limits.max_time).count() + 1;
  const pid_t pid = Spawn({program.c_str(), pointers.data(), environment, high_null.get(),
                           output.write_end.get(), errors.write_end.get(), high_input.get(),
                           limits.max_memory_bytes, static_cast<rlim_t>(seconds)});
  if (pid < 0) return SystemError(name, "no process");
  output.write_end.Close();
  errors.write_end.Close();
  Child child(pid, name, limits, stop);
  ProcessOutput result;
  try {
    MAO_RETURN_IF_ERROR(child.Read(std::move(output.read_end), std::move(errors.read_end), result));
  } catch (const std::bad_alloc&) {
    return ResourceExhaustedError(name + ": not enough memory for its output");
  }
  MAO_ASSIGN_OR_RETURN(result.exit_code, child.Wait());
  return result;
}

}  // namespace mao
