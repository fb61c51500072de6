// The backends of this folder, for the registry.
#include "reference_coordinator/backends/redis/list_store.hpp"
#include "reference_coordinator/backends/redis/replies.hpp"
#include "reference_coordinator/backends/redis/wake_up.hpp"

#include <fmt/format.h>

namespace assay {

namespace {

constexpr std::size_t default_reply_connections = 64;
constexpr int oldest_version = 7;  // RPOP with a count came with 6.2; older ones are out of support

using redis::Commands;
using redis::Link;
using redis::Value;

// The lines of INFO and CONFIG that tell how durable it is, and which version.
struct Server {
  std::string version, save, append_only, append_fsync;
};

std::string line_of(std::string const& info, std::string_view name) {
  auto const at = info.find(name);
  return at == std::string::npos ? "" : info.substr(at + name.size(), info.find('\r', at) - at - name.size());
}

// CONFIG may be forbidden on somebody's server: then these are not known, and nothing is wrong.
std::string configured(Value const& answer) {
  return answer.kind == Value::Kind::list && answer.items.size() == 2 ? answer.items[1].text : "not told";
}

Awaitable<Result<Server>> look_at(std::shared_ptr<Link> link, bool must_be_empty) {
  Commands commands;
  commands.add({"INFO", "server"});
  commands.add({"CONFIG", "GET", "save"});
  commands.add({"CONFIG", "GET", "appendonly"});
  commands.add({"CONFIG", "GET", "appendfsync"});
  commands.add({"EXISTS", redis::epoch_key, redis::tag_sets_key});
  auto const answers = co_await link->run(std::move(commands));
  if (!answers) co_return answers.error();
  auto const& a = *answers;
  if (a[0].is_error()) co_return redis::error_of(a[0]);
  if (a[4].is_error()) co_return redis::error_of(a[4]);
  Server server{line_of(a[0].text, "redis_version:"), configured(a[1]), configured(a[2]), configured(a[3])};
  if (std::atoi(server.version.c_str()) < oldest_version) {
    co_return Error{ErrorKind::misconfigured,
                    fmt::format("Redis {} is too old: {} or newer is needed", server.version, oldest_version)};
  }
  if (must_be_empty && a[4].integer > 0) {
    co_return Error{
        ErrorKind::rejected,
        fmt::format("there are keys {} in this database already: remove them, or name another one", redis::every_key)};
  }
  co_return server;
}

Awaitable<Result<OpenedStore>> open_store(Executor executor, redis::Address address, StoreOptions options,
                                          std::shared_ptr<Link> link) {
  auto const server = co_await look_at(link, options.temporary);
  if (!server) co_return server.error();
  Commands commands;
  commands.add({"INCR", redis::epoch_key});
  auto const answers = co_await link->run(std::move(commands));
  if (!answers) co_return answers.error();
  if (auto const error = redis::first_error(*answers)) co_return *error;
  auto const epoch = static_cast<std::uint64_t>(answers->front().integer);

  auto const settings = redis::reply_settings(options);
  auto const counts = std::make_shared<redis::ReplyCounts>();
  redis::Replies::Options replies;
  replies.address = address;
  replies.settings = settings;
  replies.coordinator = epoch;
  if (options.connections > 0) replies.connections = static_cast<std::size_t>(options.connections);
  replies.commands = link;
  replies.counts = counts;
  bool const pooled = settings.path == redis::ReplySettings::Path::per_task;
  std::string const pool = pooled ? std::to_string(replies.connections) : "1";
  auto wake_up = co_await redis::open_wake_up(executor, address, link);
  if (!wake_up) co_return wake_up.error();
  auto path = co_await redis::Replies::open(executor, std::move(replies));
  if (!path) co_return path.error();

  OpenedStore opened;
  opened.store = std::make_unique<redis::ListStore>(link, epoch, settings, options.temporary, counts);
  opened.replies = std::move(*path);
  opened.wake_up = std::move(*wake_up);
  opened.facts = {{"server_version", server->version},
                  {"save", server->save.empty() ? "never" : server->save},
                  {"appendonly", server->append_only},
                  {"appendfsync", server->append_fsync},
                  {"replies", options.setting("replies", "per_task")},
                  {"reply_connections", pool}};
  if (pooled) opened.facts.emplace_back("reply_ttl", options.setting("reply_ttl", "expire"));
  if (pooled) opened.facts.emplace_back("reply_fetch", options.setting("reply_fetch", "pop"));
  co_return opened;
}

Awaitable<Result<OpenedStore>> open_redis_list(Executor executor, StoreOptions options) {
  auto const address = redis::parse_address(options.url);
  if (!address) co_return address.error();
  Link::Options connecting;
  connecting.address = *address;
  connecting.answer_patience = options.patience;
  auto const link = co_await Link::open(executor, std::move(connecting));
  if (!link) co_return link.error();
  auto opened = co_await open_store(executor, *address, std::move(options), *link);
  if (!opened) (*link)->close();
  co_return opened;
}

}  // namespace

Backend backend_redis_list() {
  Backend backend;
  backend.name = "redis-list";
  backend.description =
      "Redis as a plain task queue: LPUSH and RPOP on one list; what is popped when its holder dies is lost";
  backend.service = "redis";
  backend.settings = redis::reply_settings();
  auto& can = backend.capabilities;
  can.durability = Capabilities::Durability::process;  // as the server is configured; a pop is never durable
  can.priority = false;
  can.delay = false;
  can.leases = false;
  can.lookup = false;
  can.exact_depth = false;
  can.several_coordinators = true;
  can.wake = Capabilities::Wake::notified;
  backend.open = [](asio::io_context& context, Clock const&, StoreOptions options) {
    return open_redis_list(context.get_executor(), std::move(options));
  };
  return backend;
}

}  // namespace assay
