// A backend's own schema in somebody's database: created when missing, refused when of another version, and nothing
// outside of it is ever touched. Also hands out the coordinator's epoch, and reads back what the report says about the
// server.
#pragma once

#include "reference_coordinator/backends/postgres/connection.hpp"
#include "reference_coordinator/claim_core/backend.hpp"

#include <optional>
#include <string>
#include <vector>

namespace assay::postgres {

struct Schema {
  std::string name;                 // a plain identifier
  int version = 1;                  // to be raised with every change of `create`
  std::vector<std::string> create;  // statements, all names qualified; run in one transaction
};

struct OpenedSchema {
  std::uint64_t epoch = 0;  // from a durable counter: no two opened stores of this schema ever have the same
  StoreFacts facts;
};

// Why a server that reports this server_version_num can't be used; nothing when it can.
std::optional<Error> check_version(int server_version_num);

// Errors: as Connection::open, and misconfigured for a server that is too old, read-only or a standby, for a schema of
// another version or of somebody else, and for missing rights. A `temporary` one must not be there yet.
Awaitable<Result<OpenedSchema>> open_schema(Executor executor, std::string url, Schema schema, bool temporary);

// Removes a temporary schema with everything in it. Nothing when it is gone; an error leaves it there, and the next
// temporary opening says so.
Awaitable<std::optional<Error>> drop_schema(Executor executor, std::string url, std::string name);

}  // namespace assay::postgres
