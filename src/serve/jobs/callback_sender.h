// Tells clients the ends of their jobs. What is to be told, and when to try again, is in the store,
// so nothing of it is lost with the process.
#ifndef MAOOCR_SERVE_JOBS_CALLBACK_SENDER_H_
#define MAOOCR_SERVE_JOBS_CALLBACK_SENDER_H_

#include <stop_token>
#include <string>
#include <thread>

#include "serve/jobs/webhooks.h"
#include "serve/store/job_store.h"

namespace mao {

// What is told of a job: {"object":"event","id","type":"job.succeeded","created_at","data":{…}}.
std::string JobEventJson(const DueCallback& callback);
// Its id, the same for each attempt.
std::string JobEventId(const DueCallback& callback);

class CallbackSender {
 public:
  // On threads of its own, from now on. Both outlive it.
  CallbackSender(JobStore& jobs, const Webhooks& webhooks);

 private:
  void Run(const std::stop_token& stop);
  // Whether its outcome is in the store.
  bool Send(const DueCallback& callback, const std::stop_token& stop);

  JobStore& jobs_;
  const Webhooks& webhooks_;
  std::jthread thread_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_CALLBACK_SENDER_H_
