// The folder that a packed checkpoint is written into: new, begun or complete, but nobody else's.
#ifndef MAOOCR_MODELS_QUANTIZE_FOLDER_H_
#define MAOOCR_MODELS_QUANTIZE_FOLDER_H_

#include <memory>
#include <string>
#include <utility>

#include "base/status.h"
#include "models/stored_weights.h"

namespace mao {

class QuantizeFolder {
 public:
  // Makes the folder, or looks at what is in it, for an output whose files carry `metadata`, and
  // locks it for this process. Until Finish it holds kUnfinishedFile, which says of what it is the
  // output.
  // Errors: InvalidArgument (holds something else, or cannot be made), Unavailable (locked by
  // another process).
  static Result<QuantizeFolder> Open(const std::string& folder, const Metadata& metadata,
                                     const ModelTensors& model);

  // Whether the whole output is there; nothing is to be written then.
  bool is_complete() const { return is_complete_; }

  // Ends the writing.
  Status Finish();

 private:
  class Lock;

  explicit QuantizeFolder(std::string folder) : folder_(std::move(folder)) {}

  Status Begin(const Metadata& metadata);
  Status CheckBegun(const Metadata& metadata) const;
  Status CheckComplete(const Metadata& metadata, const ModelTensors& model) const;

  std::string folder_;
  std::shared_ptr<Lock> lock_;
  bool is_complete_ = false;
};

}  // namespace mao

#endif  // MAOOCR_MODELS_QUANTIZE_FOLDER_H_
