#include "reference_coordinator/protocol/ledger.hpp"

#include "harness/base/error.hpp"
#include "reference_coordinator/protocol/json_fields.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace assay::protocol {

namespace {

constexpr std::size_t flush_at_bytes = 256 * 1024;

}  // namespace

Ledger::Ledger(std::filesystem::path const& file)
    : descriptor_{::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)},
      pending_{"time_ns,event,run,attempt,token,who,asked_ns,claimed_ns\n"} {
  if (descriptor_ < 0) {
    throw Failure{ExitStatus::bad_input,
                  fmt::format("ledger: cannot write {}: {}", file.string(), std::strerror(errno))};
  }
  flush();
}

Ledger::~Ledger() {
  if (!open()) return;
  flush();
  ::close(descriptor_);
}

Ledger::Ledger(Ledger&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, pending_{std::move(other.pending_)} {}

Ledger& Ledger::operator=(Ledger&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(pending_, other.pending_);
  return *this;
}

void Ledger::append(TimePoint when, std::string_view event, RunId const& run, int attempt,
                    std::optional<ClaimToken> token, std::string_view who, std::optional<ClaimTimes> const& times) {
  if (!open()) return;
  append_number(pending_, when.time_since_epoch().count());
  pending_.push_back(',');
  pending_ += event;
  pending_.push_back(',');
  append_plain_id(pending_, run);
  pending_.push_back(',');
  if (attempt != 0) append_number(pending_, attempt);
  pending_.push_back(',');
  if (token) {
    append_number(pending_, token->epoch);
    pending_.push_back('.');
    append_number(pending_, token->counter);
  }
  pending_.push_back(',');
  pending_ += who;
  pending_.push_back(',');
  if (times) append_number(pending_, times->asked.time_since_epoch().count());
  pending_.push_back(',');
  if (times) append_number(pending_, times->claimed.time_since_epoch().count());
  pending_.push_back('\n');
  if (pending_.size() >= flush_at_bytes) flush();
}

bool Ledger::flush() {
  std::size_t written = 0;
  while (open() && written < pending_.size()) {
    ssize_t const n = ::write(descriptor_, pending_.data() + written, pending_.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += static_cast<std::size_t>(n);
  }
  pending_.erase(0, written);
  return pending_.empty();
}

}  // namespace assay::protocol
