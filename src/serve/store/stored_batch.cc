#include "serve/store/stored_batch.h"

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/store/json_text.h"

namespace mao {

std::string OutputLine(const EndedLine& line) {
  const std::string_view number =
      std::string_view(line.job_id).substr(line.job_id.find('_') + 1);  // all of it without "_"
  std::string text = fmt::format(R"({{"id":"batch_req_{}","custom_id":{},"response":)", number,
                                 DumpJson(nlohmann::json(line.custom_id)));
  if (line.result) {
    text += fmt::format(R"({{"status_code":200,"request_id":"{}","body":)", line.job_id);
    text += OneLineJson(*line.result);
    text += R"(},"error":null})";
  } else {
    text += fmt::format(R"(null,"error":{{"code":{},"message":{}}}}})",
                        DumpJson(nlohmann::json(line.error.code)),
                        DumpJson(nlohmann::json(line.error.message)));
  }
  text += '\n';
  return text;
}

}  // namespace mao
