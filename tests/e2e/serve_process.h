// A `maoocr serve` of the built program, running beside the test.
#ifndef MAOOCR_TESTS_E2E_SERVE_PROCESS_H_
#define MAOOCR_TESTS_E2E_SERVE_PROCESS_H_

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace mao {

class ServeProcess {
 public:
  // `maoocr serve --port PORT ARGUMENTS...`; returns once it listens. Port 0: any free one.
  explicit ServeProcess(const std::vector<std::string>& arguments, uint16_t port = 0);
  // As Stop.
  ~ServeProcess();
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  // 0: it did not come to listen.
  uint16_t port() const { return port_; }
  std::string url() const;  // "http://127.0.0.1:port"

  // SIGTERM, and waits. Returns the exit code; 128 + n when signal n ended it.
  int Stop();
  // SIGKILL.
  void Kill();

 private:
  int Signal(int signal);

  int pid_ = -1;
  int log_ = -1;
  uint16_t port_ = 0;
  std::string data_dir_;
  std::thread log_reader_;
};

struct HttpAnswer {
  long status = 0;  // 0: none
  std::string body;
};

HttpAnswer Get(const std::string& url);
HttpAnswer PostJson(const std::string& url, const std::string& body);
// Asks GET url until it answers with this status.
void WaitForStatus(const std::string& url, long status);

}  // namespace mao

#endif  // MAOOCR_TESTS_E2E_SERVE_PROCESS_H_
