// What is in a run's file: the run, which never changes, and at the end a lease of fixed width, which is overwritten in
// place. The whole is one JSON document: {"run":{…},"lease":{"token":…,"lease_expires_at":…}}. Bytes of a payload are
// written as the characters U+0000 … U+00FF. Easy to get wrong: a claim moves the file first and writes the lease then,
// so a lease whose token is not that of the name belongs to an earlier claim.
#pragma once

#include "reference_coordinator/claim_core/claim_store.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace assay::file {

struct Lease {
  ClaimToken token;
  int attempts = 0;
  std::int64_t expires_us = 0;  // of the machine's monotonic clock
  std::string worker;           // as_worker()
};

struct Record {
  std::string tags;  // TagSet::key()
  int priority = 0;
  int max_attempts = 3;
  Duration delay{};
  RunId id;
  std::string payload;
  Lease lease;
};

std::string encode(Record const& record);
std::optional<Record> decode_record(std::string_view text);

// The last bytes of the file.
std::string encode(Lease const& lease);
inline constexpr std::size_t lease_bytes = 194;

}  // namespace assay::file
