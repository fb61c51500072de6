#include "harness/base/error.hpp"

#include <fmt/format.h>

namespace assay {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::timed_out: return "timed out";
    case ErrorKind::in_doubt: return "in doubt";
    case ErrorKind::rejected: return "rejected";
    case ErrorKind::misconfigured: return "misconfigured";
    case ErrorKind::broken_protocol: return "broken protocol";
  }
  return "unknown";
}

std::string to_string(Error const& error) { return fmt::format("{}: {}", to_string(error.kind), error.detail); }

void throw_exception_from_error(Error const& error, boost::source_location const& where) {
  throw std::logic_error(fmt::format("value() of an error at {}:{}: {}", where.file_name(), where.line(),
                                     to_string(error)));
}

}  // namespace assay
