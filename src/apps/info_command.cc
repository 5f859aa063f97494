#include "apps/info_command.h"

#include "apps/console.h"
#include "apps/exit_code.h"
#include "apps/model_summary.h"
#include "apps/open_model.h"

namespace mao {
namespace {

Result<ModelSummary> SummariseModel(const std::string& folder) {
  MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(folder));
  return Summarise(checkpoint);
}

}  // namespace

int RunInfo(const InfoOptions& options) {
  Console console(false);
  const Result<ModelSummary> summary = SummariseModel(options.model);
  if (!summary.ok()) {
    console.Error("", summary.status().message());
    return kExitModel;
  }
  const Status status = console.Print(options.json ? SummaryJson(*summary) : SummaryText(*summary));
  if (!status.ok()) console.Error("", status.message());
  return status.ok() ? kExitOk : kExitFailed;
}

}  // namespace mao
