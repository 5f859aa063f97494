#include "serve/jobs/usage_report.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "serve/jobs/route_table.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMsPerDay = int64_t{24} * 3600 * 1000;

constexpr std::array<std::pair<std::string_view, UsageGroup>, 5> kGroups = {
    {{"key", UsageGroup::kKey},
     {"model", UsageGroup::kModel},
     {"kind", UsageGroup::kKind},
     {"day", UsageGroup::kDay},
     {"hour", UsageGroup::kHour}}};

Result<UsageGroup> ParseGroup(std::string_view name) {
  for (const auto& [known, group] : kGroups) {
    if (known == name) return group;
  }
  return InvalidArgumentError(
      fmt::format("group: there is no '{}'; there are key, model, kind, day, hour", name));
}

}  // namespace

Result<Json> UsageReport(UsageStore& usage, const std::string& key_id, std::string_view group,
                         int64_t days) {
  constexpr int64_t kMaxDays = 400;
  UsageQuery query;
  MAO_ASSIGN_OR_RETURN(query.group, ParseGroup(group));
  if (days < 1 || days > kMaxDays) {
    return InvalidArgumentError(fmt::format("days: expected 1 to {}", kMaxDays));
  }
  query.to_ms = UtcNowMs();
  query.from_ms = query.to_ms - days * kMsPerDay;
  query.key_id = key_id;
  MAO_ASSIGN_OR_RETURN(const std::vector<UsageRow> rows, usage.Query(query));
  Json data = Json::array();
  for (const UsageRow& row : rows) {
    const UsageCounts& counts = row.counts;
    Json json = Json::object();
    if (row.begin_ms > 0) {
      json["begin"] = IsoTime(row.begin_ms);
    } else {
      json[std::string(group)] = row.name;
    }
    json["requests"] = counts.requests;
    json["errors"] = counts.errors;
    json["pages"] = counts.pages;
    json["prompt_tokens"] = counts.prompt_tokens;
    json["image_tokens"] = counts.image_tokens;
    json["cached_tokens"] = counts.cached_tokens;
    json["output_tokens"] = counts.output_tokens;
    json["compute_ms"] = counts.compute_ms;
    data.push_back(std::move(json));
  }
  return Json{{"group", group},
              {"from", IsoTime(query.from_ms)},
              {"to", IsoTime(query.to_ms)},
              {"data", std::move(data)}};
}

}  // namespace mao
