// Every path the coordinator serves, in one table: the HTTP layer dispatches by it, statistics are named after it, and
// a test holds docs/openapi.yaml against it. To add a route: a line here, an Endpoint, its handler in api.cpp, and its
// description.
#pragma once

#include <boost/beast/http/verb.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace assay {

namespace http = boost::beast::http;

enum class Endpoint : std::uint8_t {
  submit,
  submit_batch,
  find,
  poll,
  push,
  start,
  status,
  heartbeat,
  healthz,
  stats,
  metrics
};

enum class Caller : std::uint8_t { anyone, submitter, runner, either };

struct Route {
  Endpoint endpoint;
  http::verb method;
  std::string_view path;  // "{id}" stands for one segment
  Caller caller;
};

std::span<Route const> routes();

// "GET /runs/{id}": what statistics and the OpenAPI test call it.
std::string to_string(Route const& route);

struct RouteMatch {
  Route const* route = nullptr;
  std::string_view id{};     // what stood for {id}
  std::string_view allow{};  // when the path is known but not with this method: a whole Allow header line
};

// `path` without the query.
RouteMatch match_route(http::verb method, std::string_view path);

}  // namespace assay
