// A real PostgreSQL for tests: one private server per test process, started by the first test that asks and stopped at
// the process's end, and a fresh database per TestDatabase. Every test that needs PostgreSQL uses it. Easy to get
// wrong: ctest runs each case as a process of its own, so each pays the start of a server (about 0.5 s).
#pragma once

#include "harness/services/postgres_service.hpp"

#include <string>

namespace assay::test {

// Throws Failure when this machine has no PostgreSQL.
PrivatePostgres& postgres_server();

// To be made before the io_context whose connections go there: the context's end closes those that are still being made,
// and dropping a database waits for them.
class TestDatabase {
 public:
  TestDatabase();
  ~TestDatabase();  // dropped, and whoever is still connected is thrown out
  TestDatabase(TestDatabase const&) = delete;
  TestDatabase& operator=(TestDatabase const&) = delete;

  std::string url() const;      // over the unix socket
  std::string tcp_url() const;  // over loopback
  std::string const& name() const { return name_; }

  // Runs SQL over a connection of its own and gives the first column of the first row; "" when there is no row.
  // Throws std::runtime_error with the server's message.
  std::string ask(std::string const& sql) const;

 private:
  std::string name_;
};

// The same on any database, blocking.
std::string ask_postgres(std::string const& url, std::string const& sql);

}  // namespace assay::test
