#include "harness/measure/observation.hpp"

namespace assay {

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::submit: return "submit";
    case Operation::call: return "call";
    case Operation::poll: return "poll";
    case Operation::start: return "start";
    case Operation::heartbeat: return "heartbeat";
    case Operation::report: return "report";
  }
  return "unknown";
}

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::ok: return "ok";
    case Fate::empty: return "empty";
    case Fate::conflict: return "conflict";
    case Fate::refused: return "refused";
    case Fate::unavailable: return "unavailable";
    case Fate::timed_out: return "timed_out";
    case Fate::in_doubt: return "in_doubt";
    case Fate::abandoned: return "abandoned";
  }
  return "unknown";
}

std::string_view to_string(RunEvent::Kind kind) {
  switch (kind) {
    case RunEvent::Kind::submitted: return "submitted";
    case RunEvent::Kind::accepted: return "accepted";
    case RunEvent::Kind::submit_in_doubt: return "submit_in_doubt";
    case RunEvent::Kind::submit_failed: return "submit_failed";
    case RunEvent::Kind::received: return "received";
    case RunEvent::Kind::completed: return "completed";
    case RunEvent::Kind::failed: return "failed";
    case RunEvent::Kind::report_refused: return "report_refused";
    case RunEvent::Kind::report_in_doubt: return "report_in_doubt";
    case RunEvent::Kind::abandoned: return "abandoned";
    case RunEvent::Kind::died: return "died";
  }
  return "unknown";
}

}  // namespace assay
