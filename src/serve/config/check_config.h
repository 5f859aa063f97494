// What settings must be together.
#ifndef MAOOCR_SERVE_CONFIG_CHECK_CONFIG_H_
#define MAOOCR_SERVE_CONFIG_CHECK_CONFIG_H_

#include <string>
#include <vector>

#include "serve/config/assignment.h"
#include "serve/config/listeners.h"
#include "serve/config/serve_config.h"

namespace mao {

// Settings that contradict each other, or lack one another.
void CheckConfig(const ServeConfig& config, ConfigErrors& errors);

// What a person should be told: notes about listeners; an open door without keys.
std::vector<std::string> ConfigWarnings(const ServeConfig& config, const ListenerPlan& listeners);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_CHECK_CONFIG_H_
