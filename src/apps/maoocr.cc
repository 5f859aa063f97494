// The program: reads the command line and runs a command.
#include <exception>
#include <string>

#include <fmt/core.h>

#include "apps/command_line.h"
#include "apps/console.h"
#include "apps/exit_code.h"
#include "base/cpu_features.h"
#include "base/log.h"

namespace mao {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

struct CommandRunner {
  int operator()(int exit_code) const { return exit_code; }
  int operator()(const OcrOptions& options) const { return RunOcr(options); }
  int operator()(const ServeOptions& options) const { return RunServe(options); }
  int operator()(const InfoOptions& options) const { return RunInfo(options); }
  int operator()(const QuantizeCommandOptions& options) const { return RunQuantize(options); }
  int operator()(const TokenizeOptions& options) const { return RunTokenize(options); }
  int operator()(const ConfigShowOptions& options) const { return RunConfigShow(options); }
};

int Main(int argc, char** argv) {
  const std::string version = fmt::format("maoocr {} ({}, best instruction set here: {})",
                                          MAOOCR_VERSION, kCompiler, CpuIsaName(DetectedCpuIsa()));
  const CommandLine line = ParseCommandLine(argc, argv, version);
  if (line.verbose) SetLogLevel(LogLevel::kInfo);
  if (const Status status = SetCpuIsaFromEnvironment(); !status.ok()) {
    Console(false).Error("", status.message());
    return kExitUsage;
  }
  return std::visit(CommandRunner(), line.command);
}

}  // namespace
}  // namespace mao

int main(int argc, char** argv) {
  try {
    return mao::Main(argc, argv);
  } catch (const std::exception& error) {  // no memory, as a rule
    fmt::print(stderr, "maoocr: {}\n", error.what());
    return mao::kExitFailed;
  }
}
