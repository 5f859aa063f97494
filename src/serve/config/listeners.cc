#include "serve/config/listeners.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr int kAnyFreePort = 0;
constexpr int kSharedPort = 8000;

bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// Whether one of two hosts stands for the other too.
bool Overlap(const std::string& a, const std::string& b) {
  return a == b || IsWildcard(a) || IsWildcard(b);
}

const ApiInterfaceConfig& ConfigOf(const ServeConfig& config, const ApiInterfaceRow& row) {
  return config.api_interfaces[static_cast<size_t>(row.interface)];
}

std::string HostOf(const ServeConfig& config, const ApiInterfaceRow& row) {
  return ConfigOf(config, row).host.value_or(config.api_host);
}

std::string_view NameOf(ApiInterface interface) {
  return kApiInterfaces[static_cast<size_t>(interface)].name;
}

bool AnyHttpHasItsOwnPort(const ServeConfig& config) {
  return std::any_of(kApiInterfaces.begin(), kApiInterfaces.end(), [&](const auto& row) {
    const ApiInterfaceConfig& interface = ConfigOf(config, row);
    return row.interface != ApiInterface::kGrpc && interface.enabled && interface.port;
  });
}

int HttpPort(const ServeConfig& config, const ApiInterfaceRow& row, bool ports_are_separate) {
  if (const auto& port = ConfigOf(config, row).port) return *port;
  if (config.api_port) return *config.api_port;
  return ports_are_separate ? row.default_port : kSharedPort;
}

// The listener that keeps another from this port; null if none does.
const ListenerSpec* Conflicting(const ListenerPlan& plan, const std::string& host, int port) {
  if (port == kAnyFreePort) return nullptr;
  const auto found = std::find_if(
      plan.listeners.begin(), plan.listeners.end(),
      [&](const ListenerSpec& each) { return each.port == port && Overlap(each.host, host); });
  return found == plan.listeners.end() ? nullptr : &*found;
}

Status AddHttp(const ApiInterfaceRow& row, const std::string& host, int port, ListenerPlan& plan) {
  for (ListenerSpec& listener : plan.listeners) {
    if (listener.port != port || listener.host != host) continue;
    listener.interfaces.push_back(row.interface);
    return OkStatus();
  }
  ListenerSpec added = {host, port, {row.interface}};
  if (const ListenerSpec* other = Conflicting(plan, host, port)) {
    return InvalidArgumentError(fmt::format(
        "{} cannot listen on {}: {} listens on {}; give both one host, or two ports", row.name,
        ListenerAddress(added), NameOf(other->interfaces[0]), ListenerAddress(*other)));
  }
  plan.listeners.push_back(std::move(added));
  return OkStatus();
}

Status AddGrpc(const ServeConfig& config, ListenerPlan& plan) {
  const ApiInterfaceRow& row = kApiInterfaces[static_cast<size_t>(ApiInterface::kGrpc)];
  ListenerSpec added = {HostOf(config, row), row.default_port, {row.interface}};
  const std::optional<int> own_port = ConfigOf(config, row).port;
  if (own_port && Conflicting(plan, added.host, *own_port) == nullptr) {
    added.port = *own_port;
  } else if (const ListenerSpec* other = Conflicting(plan, added.host, added.port)) {
    return InvalidArgumentError(
        fmt::format("grpc cannot listen on {}: {} listens on {}, and HTTP and gRPC cannot share a "
                    "port; set api_interfaces.grpc.port",
                    ListenerAddress(added), NameOf(other->interfaces[0]), ListenerAddress(*other)));
  } else if (own_port) {
    plan.notes.push_back(fmt::format("grpc listens on port {}: HTTP and gRPC cannot share port {}",
                                     added.port, *own_port));
  }
  plan.listeners.push_back(std::move(added));
  return OkStatus();
}

}  // namespace

Result<ListenerPlan> ResolveListeners(const ServeConfig& config) {
  ListenerPlan plan;
  const bool ports_are_separate = AnyHttpHasItsOwnPort(config);
  for (const ApiInterfaceRow& row : kApiInterfaces) {
    if (row.interface == ApiInterface::kGrpc || !ConfigOf(config, row).enabled) continue;
    MAO_RETURN_IF_ERROR(
        AddHttp(row, HostOf(config, row), HttpPort(config, row, ports_are_separate), plan));
  }
  if (config.api_interfaces[static_cast<size_t>(ApiInterface::kGrpc)].enabled) {
    MAO_RETURN_IF_ERROR(AddGrpc(config, plan));
  }
  if (plan.listeners.empty()) return InvalidArgumentError("no interface is enabled");
  return plan;
}

std::string ListenerAddress(const ListenerSpec& listener) {
  const bool is_ipv6 = listener.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", listener.host, listener.port)
                 : fmt::format("{}:{}", listener.host, listener.port);
}

bool IsLoopbackHost(const std::string& host) {
  const bool is_ipv4 = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || (is_ipv4 && host.starts_with("127."));
}

}  // namespace mao
