// PostgreSQL URLs that can't be used, each with what a program has to say about it: for `assay` and `assay-coordinator`
// alike. Every one stands for a mistake on a real server.
#pragma once

#include "tests/support/postgres_server.hpp"
#include "tests/support/rewriting_proxy.hpp"

#include <string>
#include <vector>

namespace assay::test {

struct BadPostgres {
  std::string mistake, url;
  int status;
  std::string says;
};

inline std::string replaced(std::string text, std::string const& what, std::string const& with) {
  return text.replace(text.find(what), what.size(), with);
}

inline std::uint16_t postgres_port() {
  std::string const url = postgres_server().socket_url("x");
  return static_cast<std::uint16_t>(std::stoi(url.substr(url.find("port=") + 5)));
}

// Calls itself PostgreSQL 12.
class TooOldPostgres {
 public:
  explicit TooOldPostgres(TestDatabase const& database)
      : proxy_{asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), postgres_port()}, reported(), "12.99"},
        url_{replaced(database.tcp_url(), fmt::format(":{}/", postgres_port()), fmt::format(":{}/", proxy_.port()))} {}
  std::string const& url() const { return url_; }

 private:
  // As in the server's greeting; as many letters of "15.18 (Debian …)" as in "12.99".
  static std::string reported() { return ask_postgres(postgres_server().url(), "SHOW server_version").substr(0, 5); }

  RewritingProxy proxy_;
  std::string url_;
};

inline std::vector<BadPostgres> bad_postgres(TestDatabase const& database, TooOldPostgres const& too_old) {
  auto const role = [&](std::string const& name, std::string const& rights) {
    std::string const whole = name + "_" + database.name();
    database.ask("CREATE ROLE " + whole + " LOGIN");
    if (!rights.empty()) database.ask(replaced(rights, "ROLE", whole));
    return replaced(database.url(), "assay@", whole + "@");
  };
  return {
      {"syntax", "postgresql://127.0.0.1:not-a-port/x", 2, "for connection option \"port\""},
      {"unknown host", "postgresql://assay@no-such-host.invalid/x", 6, "PostgreSQL's host 'no-such-host.invalid': "},
      {"refused port", "postgresql://assay@127.0.0.1:1/x", 6, "Connection refused"},
      {"wrong password", replaced(database.tcp_url(), "assay:", "assay:oops"), 2, "password authentication failed"},
      {"wrong role", replaced(database.url(), "assay@", "stranger@"), 2, "role \"stranger\" does not exist"},
      {"missing database", postgres_server().socket_url("nowhere"), 2, "database \"nowhere\" does not exist"},
      {"too old a server", too_old.url(), 2, "PostgreSQL 12.99 is too old: 13 or newer is needed"},
      {"read-only role", role("reader", "ALTER USER ROLE SET default_transaction_read_only = on"), 2, "is read-only"},
      {"role without rights", role("newcomer", ""), 2, "permission denied for database"},
  };
}

}  // namespace assay::test
