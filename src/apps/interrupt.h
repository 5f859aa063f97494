// Ctrl-C and SIGTERM as a stop request.
#ifndef MAOOCR_APPS_INTERRUPT_H_
#define MAOOCR_APPS_INTERRUPT_H_

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace mao {

// To be made before any other thread, so that all of them leave the signals to this one. At first a
// signal ends the process; after BeginGraceful() the first one asks to stop and the second ends the
// process. A signal that the process was started to ignore (as `nohup` and shells do for background
// jobs) stays ignored.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  void BeginGraceful() { is_graceful_ = true; }
  std::stop_token token() const { return stop_.get_token(); }
  // The signal that asked to stop; 0 if none has.
  int signal() const { return signal_; }

 private:
  void Watch();

  sigset_t signals_;
  sigset_t previous_mask_;
  std::stop_source stop_;
  std::atomic<bool> is_graceful_{false};
  std::atomic<bool> is_closing_{false};
  std::atomic<int> signal_{0};
  std::thread thread_;
};

}  // namespace mao

#endif  // MAOOCR_APPS_INTERRUPT_H_
