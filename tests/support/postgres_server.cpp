#include "tests/support/postgres_server.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <stdexcept>

namespace assay::test {

PrivatePostgres& postgres_server() {
  static PrivatePostgres server;
  return server;
}

std::string ask_postgres(std::string const& url, std::string const& sql) {
  std::unique_ptr<PGconn, decltype(&PQfinish)> const connection{PQconnectdb(url.c_str()), PQfinish};
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error{PQerrorMessage(connection.get())};
  std::unique_ptr<PGresult, decltype(&PQclear)> const result{PQexec(connection.get(), sql.c_str()), PQclear};
  ExecStatusType const status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error{fmt::format("{}: {}", sql, PQresultErrorMessage(result.get()))};
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

TestDatabase::TestDatabase() {
  static std::atomic<int> counter{0};
  name_ = fmt::format("test_{}", ++counter);
  ask_postgres(postgres_server().url(), fmt::format("CREATE DATABASE {}", name_));
}

TestDatabase::~TestDatabase() {
  try {
    ask_postgres(postgres_server().url(), fmt::format("DROP DATABASE {} WITH (FORCE)", name_));
  } catch (std::runtime_error const&) {
    // The test stopped the server. Everything goes with it at the end of the process.
  }
}

std::string TestDatabase::url() const { return postgres_server().socket_url(name_); }
std::string TestDatabase::tcp_url() const { return postgres_server().tcp_url(name_); }
std::string TestDatabase::ask(std::string const& sql) const { return ask_postgres(url(), sql); }

}  // namespace assay::test
