#include "reference_coordinator/backends/postgres/schema.hpp"

#include <fmt/format.h>

namespace assay::postgres {

namespace {

constexpr int oldest_version = 130000;

// Serialises the creation of our schemas in one database; any number will do that nobody else uses.
constexpr std::int64_t creation_lock = 0x6173736179;  // "assay"

Command plain(std::string sql) { return {"", {}, std::move(sql)}; }

Error misconfigured(std::string detail) { return {ErrorKind::misconfigured, std::move(detail)}; }

using Answer = Result<std::vector<Rows>>;

Awaitable<std::optional<Error>> check_server(std::shared_ptr<Connection> connection) {
  if (auto too_old = check_version(connection->server_version())) co_return too_old;
  Batch batch;
  batch.push_back(plain("SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"));
  Answer answer = co_await connection->run(std::move(batch));
  if (!answer) co_return answer.error();
  Rows const& row = answer->front();
  if (row.integer(0, 0) != 0)
    co_return misconfigured("this PostgreSQL is a standby, which only reads: give the primary's URL");
  if (row.integer(0, 1) != 0) {
    co_return misconfigured(
        "this PostgreSQL session is read-only (default_transaction_read_only is on for server, database or role)");
  }
  co_return std::nullopt;
}

// Under the creation lock.
Awaitable<std::optional<Error>> create_or_check(std::shared_ptr<Connection> connection, Schema schema, bool temporary) {
  Batch look;
  look.push_back(plain(
      fmt::format("SELECT to_regnamespace('{0}') IS NOT NULL, to_regclass('{0}.about') IS NOT NULL", schema.name)));
  Answer found = co_await connection->run(std::move(look));
  if (!found) co_return found.error();
  bool const there = found->front().integer(0, 0) != 0;
  bool const ours = found->front().integer(0, 1) != 0;
  if (there && !ours) {
    co_return misconfigured(fmt::format(
        "the database has a schema '{}' that assay did not make: rename it, or give another database", schema.name));
  }
  if (ours && temporary) {
    co_return misconfigured(fmt::format(
        "the database already has a schema '{0}', of a coordinator or of an assessment that was cut off: give another "
        "database, or DROP SCHEMA {0} CASCADE",
        schema.name));
  }
  Batch next;
  if (ours) {
    next.push_back(plain(fmt::format("SELECT version FROM {}.about", schema.name)));
  } else {
    next.push_back(plain(fmt::format("CREATE SCHEMA {}", schema.name)));
    next.push_back(
        plain(fmt::format("CREATE TABLE {}.about (version int NOT NULL, last_epoch bigint NOT NULL)", schema.name)));
    next.push_back(plain(fmt::format("INSERT INTO {}.about VALUES ({}, 0)", schema.name, schema.version)));
    for (std::string const& sql : schema.create) next.push_back(plain(sql));
  }
  Answer answer = co_await connection->run(std::move(next));
  if (!answer) co_return answer.error();
  if (ours && answer->front().integer(0, 0) != schema.version) {
    co_return misconfigured(
        fmt::format("the schema '{0}' has version {1} and this assay needs {2}: finish with the other one, then DROP "
                    "SCHEMA {0} CASCADE",
                    schema.name, answer->front().integer(0, 0), schema.version));
  }
  co_return std::nullopt;
}

Awaitable<Result<OpenedSchema>> introduce(std::shared_ptr<Connection> connection, std::string schema) {
  Batch batch;
  batch.push_back(plain(fmt::format("UPDATE {}.about SET last_epoch = last_epoch + 1 RETURNING last_epoch", schema)));
  batch.push_back(
      plain("SELECT name, setting || coalesce(unit, '') FROM pg_settings WHERE name IN ('server_version', 'fsync', "
            "'synchronous_commit', 'full_page_writes', 'wal_level', 'autovacuum', 'max_connections', 'shared_buffers', "
            "'synchronous_standby_names') ORDER BY name"));
  Answer answer = co_await connection->run(std::move(batch));
  if (!answer) co_return answer.error();
  OpenedSchema opened;
  opened.epoch = static_cast<std::uint64_t>((*answer)[0].integer(0, 0));
  Rows const& settings = (*answer)[1];
  for (std::size_t row = 0; row < settings.size(); ++row) {
    opened.facts.emplace_back(settings.bytes(row, 0), settings.bytes(row, 1));
  }
  opened.facts.emplace_back("schema", schema);
  opened.facts.emplace_back("epoch", std::to_string(opened.epoch));
  co_return opened;
}

}  // namespace

std::optional<Error> check_version(int server_version_num) {
  if (server_version_num >= oldest_version) return std::nullopt;
  // Before 10 the first two of three numbers named the release: 90624 is 9.6.24.
  int const major = server_version_num / 10000, minor = server_version_num / 100 % 100,
            patch = server_version_num % 100;
  std::string const version =
      major < 10 ? fmt::format("{}.{}.{}", major, minor, patch) : fmt::format("{}.{}", major, patch);
  return misconfigured(fmt::format("PostgreSQL {} is too old: {} or newer is needed", version, oldest_version / 10000));
}

Awaitable<Result<OpenedSchema>> open_schema(Executor executor, std::string url, Schema schema, bool temporary) {
  ConnectOptions options;
  options.url = std::move(url);
  Result<std::shared_ptr<Connection>> connected = co_await Connection::open(executor, options);
  if (!connected) co_return connected.error();
  std::shared_ptr<Connection> const connection = *connected;
  std::optional<Error> error = co_await check_server(connection);
  if (!error) {
    Batch lock;
    lock.push_back(plain(fmt::format("SELECT pg_advisory_lock({})", creation_lock)));  // ends with this connection
    Answer locked = co_await connection->run(std::move(lock));
    if (!locked) error = locked.error();
  }
  std::string const name = schema.name;
  if (!error) error = co_await create_or_check(connection, std::move(schema), temporary);
  if (error) {
    connection->close();
    co_return *std::move(error);
  }
  Result<OpenedSchema> opened = co_await introduce(connection, name);
  connection->close();
  co_return opened;
}

Awaitable<std::optional<Error>> drop_schema(Executor executor, std::string url, std::string name) {
  ConnectOptions options;
  options.url = std::move(url);
  Result<std::shared_ptr<Connection>> connected = co_await Connection::open(executor, options);
  if (!connected) co_return connected.error();
  Batch batch;
  batch.push_back(plain(fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", name)));
  Answer dropped = co_await (*connected)->run(std::move(batch));
  (*connected)->close();
  if (!dropped) co_return dropped.error();
  co_return std::nullopt;
}

}  // namespace assay::postgres
