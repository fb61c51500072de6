// Reads the request that opens a push connection: GET /runner/push?slots=4&busy=1, with the headers of RFC 6455.
#pragma once

#include "harness/base/error.hpp"
#include "reference_coordinator/http/request.hpp"
#include "reference_coordinator/http/response.hpp"

#include <string_view>

namespace assay {

// slots: 1 (the default) to protocol::most_slots; busy: 0 (the default) to slots. Errors: rejected, one line.
Result<PushUpgrade> parse_push_upgrade(Request const& request, std::string_view query);

}  // namespace assay
