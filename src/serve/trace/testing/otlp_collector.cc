#include "serve/trace/testing/otlp_collector.h"

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

namespace mao {
namespace {

// One field of a message in protobuf's wire format.
struct WireField {
  uint32_t number = 0;
  uint64_t value = 0;      // of numbers; fixed64 as its bits
  std::string_view bytes;  // of texts and messages
};

uint64_t TakeVarint(std::string_view& data) {
  uint64_t value = 0;
  for (int shift = 0; !data.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<uint8_t>(data.front());
    data.remove_prefix(1);
    value |= uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0) break;
  }
  return value;
}

// Protocol Buffers, Encoding: wire types 0 varint, 1 fixed64, 2 length, 5 fixed32.
std::vector<WireField> FieldsOf(std::string_view data) {
  std::vector<WireField> fields;
  while (!data.empty()) {
    const uint64_t tag = TakeVarint(data);
    WireField field;
    field.number = static_cast<uint32_t>(tag >> 3);
    size_t num_bytes = 0;
    switch (tag & 7) {
      case 0:
        field.value = TakeVarint(data);
        break;
      case 1:
        num_bytes = sizeof(uint64_t);
        break;
      case 2:
        num_bytes = TakeVarint(data);
        break;
      case 5:
        num_bytes = sizeof(uint32_t);
        break;
      default:
        return fields;
    }
    if (num_bytes > data.size()) return fields;
    field.bytes = data.substr(0, num_bytes);
    if ((tag & 7) == 1) std::memcpy(&field.value, field.bytes.data(), num_bytes);
    data.remove_prefix(num_bytes);
    fields.push_back(field);
  }
  return fields;
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return text;
}

// common.proto: AnyValue.
std::string ValueText(std::string_view any_value) {
  for (const WireField& field : FieldsOf(any_value)) {
    switch (field.number) {
      case 1:
        return std::string(field.bytes);
      case 2:
        return field.value != 0 ? "true" : "false";
      case 3:
        return std::to_string(static_cast<int64_t>(field.value));
      case 4: {
        double number = 0;
        std::memcpy(&number, &field.value, sizeof(number));
        return fmt::format("{}", number);
      }
      case 5: {
        std::string list;
        for (const WireField& item : FieldsOf(field.bytes)) {
          list += (list.empty() ? "" : ",") + ValueText(item.bytes);
        }
        return "[" + list + "]";
      }
      default:
        break;
    }
  }
  return "";
}

void AddAttribute(std::string_view key_value, std::map<std::string, std::string>& attributes) {
  std::string key;
  std::string value;
  for (const WireField& field : FieldsOf(key_value)) {
    if (field.number == 1) key = std::string(field.bytes);
    if (field.number == 2) value = ValueText(field.bytes);
  }
  attributes[key] = value;
}

void SetStatus(std::string_view status, CollectedSpan& span) {
  for (const WireField& field : FieldsOf(status)) {
    if (field.number == 2) span.status_message = std::string(field.bytes);
    if (field.number == 3) span.status_code = static_cast<int>(field.value);
  }
}

// trace.proto: Span.
CollectedSpan ReadSpan(std::string_view message) {
  CollectedSpan span;
  for (const WireField& field : FieldsOf(message)) {
    switch (field.number) {
      case 1:
        span.trace_id = Hex(field.bytes);
        break;
      case 2:
        span.span_id = Hex(field.bytes);
        break;
      case 3:
        span.tracestate = std::string(field.bytes);
        break;
      case 4:
        span.parent_id = Hex(field.bytes);
        break;
      case 5:
        span.name = std::string(field.bytes);
        break;
      case 6:
        span.kind = static_cast<int>(field.value);
        break;
      case 7:
        span.start_unix_ns = field.value;
        break;
      case 8:
        span.end_unix_ns = field.value;
        break;
      case 9:
        AddAttribute(field.bytes, span.attributes);
        break;
      case 15:
        SetStatus(field.bytes, span);
        break;
      default:
        break;
    }
  }
  return span;
}

}  // namespace

std::string CollectedSpan::Attribute(const std::string& key) const {
  const auto it = attributes.find(key);
  return it == attributes.end() ? "" : it->second;
}

void PrintTo(const CollectedSpan& span, std::ostream* out) {
  *out << fmt::format("'{}' {} of {} in {}", span.name, span.span_id, span.parent_id,
                      span.trace_id);
}

OtlpCollector::OtlpCollector(int http_status)
    : server_([this, http_status](const ScriptedRequest& request, ScriptedPeer& peer) {
        if (http_status == 200) Take(request.body);
        peer.Respond(http_status, "", "Content-Type: application/x-protobuf\r\n");
      }) {}

std::vector<CollectedSpan> OtlpCollector::spans() const {
  const std::lock_guard lock(mutex_);
  return spans_;
}

std::vector<CollectedSpan> OtlpCollector::WaitFor(
    const std::function<bool(const std::vector<CollectedSpan>&)>& is_enough) {
  constexpr std::chrono::seconds kPatience{60};
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return is_enough(spans_); });
  return spans_;
}

std::vector<CollectedSpan> OtlpCollector::WaitForSpans(size_t num_spans) {
  return WaitFor([=](const auto& spans) { return spans.size() >= num_spans; });
}

std::vector<CollectedSpan> OtlpCollector::WaitForSpan(const std::string& name) {
  return WaitFor([&](const auto& spans) {
    return std::any_of(spans.begin(), spans.end(),
                       [&](const CollectedSpan& span) { return span.name == name; });
  });
}

// trace_service.proto: ExportTraceServiceRequest.
void OtlpCollector::Take(std::string_view body) {
  std::vector<CollectedSpan> spans;
  for (const WireField& resource_spans : FieldsOf(body)) {
    std::map<std::string, std::string> resource;
    for (const WireField& field : FieldsOf(resource_spans.bytes)) {
      if (field.number == 1) {
        for (const WireField& attribute : FieldsOf(field.bytes)) {
          if (attribute.number == 1) AddAttribute(attribute.bytes, resource);
        }
      } else if (field.number == 2) {
        for (const WireField& span : FieldsOf(field.bytes)) {
          if (span.number == 2) spans.push_back(ReadSpan(span.bytes));
        }
      }
    }
    for (CollectedSpan& span : spans) {
      if (span.resource.empty()) span.resource = resource;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    spans_.insert(spans_.end(), spans.begin(), spans.end());
  }
  changed_.notify_all();
}

}  // namespace mao
