#include "apps/interrupt.h"

#include <unistd.h>

#include "apps/exit_code.h"

namespace mao {
namespace {

bool IsIgnored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

InterruptWatch::InterruptWatch() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM}) {
    if (!IsIgnored(signal)) sigaddset(&signals_, signal);
  }
  sigaddset(&signals_, SIGUSR1);  // from the destructor
  pthread_sigmask(SIG_BLOCK, &signals_, &previous_mask_);
  thread_ = std::thread([this] { Watch(); });
}

InterruptWatch::~InterruptWatch() {
  is_closing_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

void InterruptWatch::Watch() {
  for (int signal = 0; sigwait(&signals_, &signal) == 0;) {
    if (is_closing_) return;
    if (signal == SIGUSR1) continue;
    if (!is_graceful_ || signal_ != 0) _exit(kExitSignal + signal);
    signal_ = signal;
    stop_.request_stop();
  }
}

}  // namespace mao
