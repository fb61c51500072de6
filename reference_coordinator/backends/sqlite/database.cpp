#include "reference_coordinator/backends/sqlite/database.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <thread>

namespace assay::sqlite {

namespace {

// How long another process may hold the file's lock, and how often we look. SQLite's own handler backs off to 100 ms,
// which is a long time for somebody who waits for a run.
constexpr auto lock_patience = std::chrono::seconds{5};
constexpr auto lock_pause = std::chrono::microseconds{500};

int wait_for_lock(void*, int times) {
  if (times > lock_patience / lock_pause) return 0;
  std::this_thread::sleep_for(lock_pause);
  return 1;
}

}  // namespace

Trouble::Trouble(sqlite3* database) : Trouble{sqlite3_extended_errcode(database), sqlite3_errmsg(database)} {}

Error to_error(Trouble const& trouble, bool committing) {
  switch (trouble.code() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {ErrorKind::unavailable, "another process holds the SQLite file's lock"};
    case SQLITE_FULL: return {ErrorKind::unavailable, fmt::format("SQLite: {}", trouble.what())};
    case SQLITE_IOERR:
      return {committing ? ErrorKind::in_doubt : ErrorKind::unavailable,
              fmt::format("SQLite: {} ({})", trouble.what(), trouble.code())};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return {ErrorKind::misconfigured, fmt::format("SQLite: {}", trouble.what())};
    default: return {ErrorKind::broken_protocol, fmt::format("SQLite: {} ({})", trouble.what(), trouble.code())};
  }
}

Statement::Statement(sqlite3* database, std::string_view sql) : database_{database} {
  sqlite3_stmt* statement = nullptr;
  int const code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) throw Trouble{database};
  statement_.reset(statement);
}

bool Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: sqlite3_reset(statement_.get()); return false;
    default: {
      Trouble const trouble{database_};
      sqlite3_reset(statement_.get());
      throw trouble;
    }
  }
}

void Statement::run() {
  while (step()) {
  }
}

std::string_view Statement::bytes(int column) const {
  auto const* const data = static_cast<char const*>(sqlite3_column_blob(statement_.get(), column));
  return {data != nullptr ? data : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

RunId Statement::run_id(int column) const {
  RunId id;
  std::string_view const value = bytes(column);
  if (value.size() == id.bytes.size()) std::memcpy(id.bytes.data(), value.data(), id.bytes.size());
  return id;
}

void Statement::bind(int index, std::int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), index, value) != SQLITE_OK) throw Trouble{database_};
}

void Statement::bind(int index, std::string_view bytes) {
  char const* const data = bytes.empty() ? "" : bytes.data();  // a null pointer would be a NULL
  if (sqlite3_bind_blob64(statement_.get(), index, data, bytes.size(), SQLITE_STATIC) != SQLITE_OK) {
    throw Trouble{database_};
  }
}

void Statement::bind(int index, RunId const& id) {
  bind(index, std::string_view{reinterpret_cast<char const*>(id.bytes.data()), id.bytes.size()});
}

Database::Database(std::filesystem::path const& file) {
  sqlite3* handle = nullptr;
  int const code =
      sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) throw Trouble{code, fmt::format("'{}': {}", file.string(), sqlite3_errstr(code))};
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_handler(handle, wait_for_lock, nullptr);
}

void Database::run(std::string const& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) throw Trouble{handle_.get()};
}

std::string Database::value_of(std::string_view query) {
  Statement statement = prepare(query);
  if (!statement.step()) return "";
  return std::string{statement.bytes(0)};
}

}  // namespace assay::sqlite
