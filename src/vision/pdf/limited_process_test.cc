#include "vision/pdf/limited_process.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vision/pdf/file_descriptor.h"

namespace mao {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class LimitedProcessTest : public testing::Test {
 protected:
  LimitedProcessTest() : input_(memfd_create("input", MFD_CLOEXEC)) {
    EXPECT_EQ(write(input_.get(), "hello", 5), 5);
  }

  Result<ProcessOutput> Run(const std::vector<std::string>& arguments,
                            const std::stop_token& stop = {}) {
    return RunLimited(arguments, input_.get(), limits_, stop);
  }
  // The script's output and errors.
  std::string Sh(const std::string& script) {
    const Result<ProcessOutput> result = Run({"sh", "-c", script});
    if (!result.ok()) return result.status().ToString();
    return std::string(result->output.begin(), result->output.end()) + result->errors;
  }

  ProcessLimits limits_;
  FileDescriptor input_;
};

TEST_F(LimitedProcessTest, ReadsItsInputAndEnds) {
  const auto result = Run({"cat", kChildInput});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(std::string(result->output.begin(), result->output.end()), "hello");
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(Run({"sh", "-c", "exit 3"})->exit_code, 3);
  EXPECT_EQ(Run({"sh", "-c", "kill -9 $$"})->exit_code, 128 + 9);
}

TEST_F(LimitedProcessTest, SeesNothingOfOurs) {
  ASSERT_EQ(setenv("MAOOCR_TEST_SECRET", "secret", 1), 0);
  constexpr int kLeaked = 30;
  const FileDescriptor leaked(fcntl(input_.get(), F_DUPFD, kLeaked));  // without O_CLOEXEC
  ASSERT_EQ(leaked.get(), kLeaked);
  EXPECT_EQ(Sh("env | sort | cut -d= -f1 | tr '\\n' ' '"), "LANG PATH PWD ");
  EXPECT_EQ(Sh("for f in 3 5 6 7 8 9 10 11 12 13 14 15 16 30; do "
               "[ -e /proc/$$/fd/$f ] && echo $f; done"),
            "3\n");
  EXPECT_EQ(Sh("cat"), "");  // standard input is empty
}

TEST_F(LimitedProcessTest, HasLimits) {
  limits_.max_memory_bytes = size_t{256} << 20;
  limits_.max_time = milliseconds(7000);
  EXPECT_EQ(Sh("ulimit -v; ulimit -t; ulimit -f; ulimit -n; ulimit -c"), "262144\n8\n0\n64\n0\n");
  EXPECT_THAT(Sh("grep NoNewPrivs /proc/$$/status"), HasSubstr("1"));
  const std::string path = testing::TempDir() + "limited_process_test_file";
  EXPECT_THAT(Sh("echo x > " + path + " || echo refused"), HasSubstr("refused"));
  EXPECT_TRUE(!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0);
  std::filesystem::remove(path);
}

TEST_F(LimitedProcessTest, IsKilledWhenItsTimeIsOver) {
  limits_.max_time = milliseconds(100);
  const auto result = Run({"sh", "-c", "echo begun; sleep 60 & wait"});
  EXPECT_EQ(result.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(result.status().message(), "sh: took longer than the limit of 100 ms");
  // Also when it has closed its output.
  EXPECT_EQ(Run({"sh", "-c", "exec >&- 2>&-; sleep 60"}).status().code(),
            StatusCode::kDeadlineExceeded);
}

TEST_F(LimitedProcessTest, IsKilledOnRequest) {
  std::stop_source stop;
  const std::jthread canceller([&] {
    std::this_thread::sleep_for(milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(Run({"sleep", "60"}, stop.get_token()).status().code(), StatusCode::kCancelled);
}

TEST_F(LimitedProcessTest, IsKilledWhenItSaysTooMuch) {
  limits_.max_output_bytes = 1000;
  const auto result =
      Run({"sh", "-c", "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done"});
  EXPECT_EQ(result.status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(result.status().message(), HasSubstr("limit of 1000 bytes"));
}

TEST_F(LimitedProcessTest, KeepsTheBeginningOfErrorsPrintable) {
  const auto result =
      Run({"sh", "-c", "printf 'a\\033[2Jb\\n' >&2; head -c 1000000 /dev/zero >&2"});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->errors.starts_with("a?[2Jb\n"));
  EXPECT_EQ(result->errors.size(), 4096U);
}

TEST_F(LimitedProcessTest, SaysWhatIsMissing) {
  const auto result = Run({"no-such-program"});
  EXPECT_EQ(result.status().code(), StatusCode::kUnimplemented);
  EXPECT_THAT(result.status().message(), HasSubstr("no-such-program: not installed"));
}

}  // namespace
}  // namespace mao
