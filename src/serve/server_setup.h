// From the configuration of the server to what its parts want.
#ifndef MAOOCR_SERVE_SERVER_SETUP_H_
#define MAOOCR_SERVE_SERVER_SETUP_H_

#include <string>

#include "base/status.h"
#include "serve/config/load_config.h"
#include "serve/ocr_server.h"

namespace mao {

// Reads the file of hashed keys, if there is one. InvalidArgument names what is wrong.
Result<OcrServerConfig> MakeServerConfig(const LoadedConfig& loaded, const std::string& version);

}  // namespace mao

#endif  // MAOOCR_SERVE_SERVER_SETUP_H_
