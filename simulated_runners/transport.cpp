#include "simulated_runners/transport.hpp"

#include "reference_coordinator/protocol/protocol.hpp"

namespace assay {

Fate fate_of_answer(int status, std::string_view body) {
  if (status < 300) return Fate::ok;
  if (status == 409) return Fate::conflict;
  if (status < 500) return Fate::refused;
  ErrorKind const kind = protocol::decode_error(body).kind;
  if (kind == ErrorKind::in_doubt || kind == ErrorKind::timed_out) return Fate::in_doubt;
  return kind == ErrorKind::broken_protocol && status != 503 ? Fate::in_doubt : Fate::unavailable;
}

Awaitable<Result<void>> Transport::open() { co_return Result<void>{}; }
Awaitable<void> Transport::close() { co_return; }
Awaitable<std::optional<protocol::CoordinatorStats>> Transport::stats() { co_return std::nullopt; }

}  // namespace assay
