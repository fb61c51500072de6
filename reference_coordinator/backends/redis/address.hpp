// Where a Redis is and who we are there, from a URL as redis-cli takes it: redis://[[user]:password@]host[:port][/db],
// or unix:///path/of/socket[?db=n].
#pragma once

#include "harness/base/error.hpp"

#include <cstdint>
#include <string>

namespace assay::redis {

struct Address {
  std::string host;  // empty: `socket` it is
  std::uint16_t port = 6379;
  std::string socket;
  std::string user, password;
  int database = 0;

  std::string text() const;  // without the password
};

// misconfigured: what is wrong with it, without the password.
Result<Address> parse_address(std::string const& url);

}  // namespace assay::redis
