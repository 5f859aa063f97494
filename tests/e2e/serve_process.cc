#include "tests/e2e/serve_process.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "serve/fetch/curl_transfer.h"

namespace mao {
namespace {

constexpr std::chrono::minutes kLongest{10};

HttpAnswer Ask(CurlTransfer& transfer, const std::string& url) {
  HttpAnswer answer;
  transfer.Set(CURLOPT_URL, url.c_str());
  transfer.OnBody([&](std::string_view bytes) {
    answer.body += bytes;
    return true;
  });
  const auto outcome = transfer.Run(CurlTransfer::Clock::now() + kLongest, {}, {});
  if (outcome.code == CURLE_OK) answer.status = transfer.status();
  return answer;
}

int num_processes = 0;

}  // namespace

ServeProcess::ServeProcess(const std::vector<std::string>& arguments, uint16_t port) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) std::abort();
  // One process holds a data folder.
  data_dir_ = fmt::format("{}serve_process_{}_{}", testing::TempDir(), getpid(), ++num_processes);
  std::vector<std::string> all = {MAOOCR_PROGRAM, "serve", "--port",     std::to_string(port),
                                  "--grpc-port",  "0",     "--data-dir", data_dir_};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    setenv("LSAN_OPTIONS",
           "print_suppressions=0:suppressions=" MAOOCR_SOURCE_DIR
           "/tests/e2e/leak_suppressions.txt",
           0);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  log_ = ends[0];
  constexpr std::string_view kListening = "listening on http://127.0.0.1:";
  std::string text;
  char byte = 0;
  while (read(log_, &byte, 1) == 1) {
    text += byte;
    const size_t at = text.find(kListening);
    if (byte != '\n' || at == std::string::npos) continue;
    port_ = static_cast<uint16_t>(std::strtoul(text.c_str() + at + kListening.size(), nullptr, 10));
    break;
  }
  log_reader_ = std::thread([fd = log_] {
    char buffer[4096];
    while (read(fd, buffer, sizeof(buffer)) > 0) {
    }
  });
}

ServeProcess::~ServeProcess() {
  Stop();
  log_reader_.join();
  close(log_);
  std::error_code ignored;
  std::filesystem::remove_all(data_dir_, ignored);
}

std::string ServeProcess::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

int ServeProcess::Stop() { return Signal(SIGTERM); }

void ServeProcess::Kill() { Signal(SIGKILL); }

int ServeProcess::Signal(int signal) {
  if (pid_ < 0) return -1;
  kill(pid_, signal);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

HttpAnswer Get(const std::string& url) {
  CurlTransfer transfer;
  return Ask(transfer, url);
}

HttpAnswer PostJson(const std::string& url, const std::string& body) {
  CurlTransfer transfer;
  transfer.Set(CURLOPT_POSTFIELDS, body.c_str());
  transfer.Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  transfer.AddHeader("Content-Type: application/json");
  return Ask(transfer, url);
}

void WaitForStatus(const std::string& url, long status) {
  while (Get(url).status != status) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

}  // namespace mao
