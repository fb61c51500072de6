#include "reference_coordinator/http/push_upgrade.hpp"

#include "harness/base/text.hpp"
#include "reference_coordinator/protocol/push.hpp"

#include <fmt/format.h>

#include <charconv>

namespace assay {

Result<PushUpgrade> parse_push_upgrade(Request const& request, std::string_view query) {
  if (!request.upgrades || request.websocket_key.empty()) {
    return Error{ErrorKind::rejected,
                 "GET /runner/push opens a WebSocket: \"Upgrade: websocket\" and \"Sec-WebSocket-Key\" are missing"};
  }
  PushUpgrade upgrade;
  upgrade.key = request.websocket_key;
  std::vector<std::string> const parts = query.empty() ? std::vector<std::string>{} : split(query, '&');
  for (auto const& part : parts) {
    std::string const key = part.substr(0, part.find('='));
    std::string const value = part.size() > key.size() ? part.substr(key.size() + 1) : "";
    if (key != "slots" && key != "busy") {
      return Error{ErrorKind::rejected, fmt::format("\"{}\": unknown parameter, allowed are slots, busy", key)};
    }
    int const lowest = key == "slots" ? 1 : 0;
    int number = -1;
    auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || number < lowest ||
        number > protocol::most_slots) {
      return Error{ErrorKind::rejected, fmt::format("{}: an integer from {} to {} is expected, found \"{}\"", key,
                                                    lowest, protocol::most_slots, value)};
    }
    (key == "slots" ? upgrade.slots : upgrade.busy) = static_cast<std::uint32_t>(number);
  }
  if (upgrade.busy > upgrade.slots) {
    return Error{ErrorKind::rejected,
                 fmt::format("busy: {} runs don't fit into {} slots", upgrade.busy, upgrade.slots)};
  }
  return upgrade;
}

}  // namespace assay
