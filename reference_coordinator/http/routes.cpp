#include "reference_coordinator/http/routes.hpp"

#include <fmt/format.h>

#include <array>

namespace assay {

namespace {

using http::verb;

constexpr std::array<Route, 11> table{{
    {Endpoint::submit, verb::post, "/runs", Caller::submitter},
    {Endpoint::submit_batch, verb::post, "/runs/batch", Caller::submitter},
    {Endpoint::find, verb::get, "/runs/{id}", Caller::either},
    {Endpoint::poll, verb::get, "/runner/runs", Caller::runner},
    {Endpoint::push, verb::get, "/runner/push", Caller::runner},
    {Endpoint::start, verb::post, "/runs/{id}/start", Caller::runner},
    {Endpoint::status, verb::post, "/runs/{id}/status", Caller::runner},
    {Endpoint::heartbeat, verb::post, "/runner/heartbeat", Caller::runner},
    {Endpoint::healthz, verb::get, "/healthz", Caller::anyone},
    {Endpoint::stats, verb::get, "/stats", Caller::anyone},
    {Endpoint::metrics, verb::get, "/metrics", Caller::anyone},
}};

constexpr std::string_view placeholder = "{id}";

// False when the path is another one. No path of the table has more than one placeholder or two methods.
bool fits(std::string_view pattern, std::string_view path, std::string_view& id) {
  std::size_t const at = pattern.find(placeholder);
  if (at == std::string_view::npos) return pattern == path;
  std::string_view const before = pattern.substr(0, at);
  std::string_view const after = pattern.substr(at + placeholder.size());
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return false;
  id = path.substr(before.size(), path.size() - before.size() - after.size());
  return id.find('/') == std::string_view::npos;
}

}  // namespace

std::span<Route const> routes() { return table; }

std::string to_string(Route const& route) {
  auto const method = http::to_string(route.method);
  return fmt::format("{} {}", std::string_view{method.data(), method.size()}, route.path);
}

// Literal paths stand before {id} in the table, so "/runs/batch" is never taken for a run's id.
RouteMatch match_route(http::verb method, std::string_view path) {
  for (auto const& route : table) {
    std::string_view id;
    if (!fits(route.path, path, id)) continue;
    if (route.method == method) return {&route, id, {}};
    return {nullptr, {}, route.method == verb::get ? "Allow: GET\r\n" : "Allow: POST\r\n"};
  }
  return {};
}

}  // namespace assay
