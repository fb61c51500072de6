#include "harness/experiment/coordinator_process.hpp"

#include "harness/base/error.hpp"
#include "harness/base/text.hpp"
#include "harness/scenario/describe.hpp"
#include "harness/services/private_folder.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <fstream>
#include <sstream>

namespace assay {

namespace {

namespace json = boost::json;

// A submission that waits hears nothing of a run that ended at another coordinator: it looks. Alone, all is heard.
constexpr Duration reply_lookup = milliseconds{100};
constexpr std::string_view ready_line = "{\"listening\"";

std::string read_text(std::filesystem::path const& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string text_of(json::value const& value) {
  if (value.is_string()) return std::string{value.get_string()};
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  return json::serialize(value);
}

std::vector<std::pair<std::string, std::string>> pairs_of(json::value const* object) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (object == nullptr || !object->is_object()) return pairs;
  for (auto const& [key, value] : object->get_object()) {
    std::string name{key};
    std::replace(name.begin(), name.end(), '_', ' ');
    pairs.emplace_back(std::move(name), text_of(value));
  }
  return pairs;
}

std::string string_at(json::object const& object, std::string_view key) {
  auto const* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::string_view name_of(DispatchSpec::Picker picker) {
  switch (picker) {
    case DispatchSpec::Picker::random: return "random";
    case DispatchSpec::Picker::least_loaded: return "least_loaded";
    case DispatchSpec::Picker::two_choices: return "two_choices";
    case DispatchSpec::Picker::capability_aware: return "capability_aware";
  }
  return "";
}

void add_dispatch(DispatchSpec const& dispatch, std::vector<std::string>& argv) {
  if (!dispatch.fenced) argv.emplace_back("--unfenced");
  if (dispatch.mode == DispatchSpec::Mode::pull) return;
  argv.insert(argv.end(), {"--dispatch", "push", "--picker", std::string{name_of(dispatch.picker)}, "--claim-deadline",
                           format_duration(dispatch.claim_deadline)});
  if (dispatch.fair_by_source) argv.emplace_back("--fair-by-source");
}

ChildCommand coordinator_command(CoordinatorOptions const& options, std::string const& listen,
                                 std::filesystem::path const& ledger, std::filesystem::path const& log) {
  auto const identities = options.folder / "identities.json";
  std::ofstream{identities} << options.identities;
  std::filesystem::permissions(identities, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  auto const& spec = options.spec;
  ChildCommand command;
  command.argv = {options.program.string(),
                  "serve",
                  "--backend",
                  options.backend,
                  "--listen",
                  listen,
                  "--identities",
                  identities.string(),
                  "--ledger",
                  ledger.string(),
                  "--lease",
                  format_duration(spec.lease),
                  "--sweep-interval",
                  format_duration(spec.sweep_interval),
                  "--max-attempts",
                  std::to_string(spec.max_attempts),
                  "--reply-lookup",
                  format_duration(spec.count > 1 ? reply_lookup : Duration{0}),
                  "--max-connections",
                  std::to_string(options.connections),
                  "--die-with-parent"};
  if (spec.offer > Duration{0}) command.argv.insert(command.argv.end(), {"--offer", format_duration(spec.offer)});
  if (options.temporary_store) command.argv.emplace_back("--temporary-store");
  if (!options.store_url.empty()) command.environment.push_back("ASSAY_STORE_URL=" + options.store_url);
  if (spec.store_connections > 0) {
    command.argv.insert(command.argv.end(), {"--store-connections", std::to_string(spec.store_connections)});
  }
  for (auto const& [name, value] : store_settings(spec)) {
    command.argv.insert(command.argv.end(), {"--store-setting", fmt::format("{}={}", name, value)});
  }
  add_dispatch(spec.dispatch, command.argv);
  command.log = log;
  return command;
}

}  // namespace

std::map<std::string, std::string> store_settings(CoordinatorSpec const& spec) {
  auto const& replies = spec.replies;
  std::map<std::string, std::string> settings;
  if (replies.path == RepliesSpec::Path::backend) return settings;
  auto const name_of = [](auto value) { return names_of(value)[static_cast<std::size_t>(value)]; };
  settings["replies"] = name_of(replies.path);
  settings["reply_ttl"] = name_of(replies.ttl);
  settings["reply_fetch"] = name_of(replies.fetch);
  settings["reply_seconds"] = std::to_string(replies.seconds);
  if (replies.cut != RepliesSpec::Cut::none) {
    settings["cut_replies"] = name_of(replies.cut).substr(std::string_view{"each_"}.size());
  }
  if (replies.slow) settings["slow_replies"] = "some";
  return settings;
}

std::filesystem::path coordinator_program() {
  auto const program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "assay-coordinator";
  if (!std::filesystem::exists(program)) {
    throw Failure{ExitStatus::internal_error,
                  fmt::format("the coordinator program {} is missing; build it (./assess does)", program.string())};
  }
  return program;
}

std::vector<BackendEntry> known_backends(std::filesystem::path const& program) {
  auto const log = temporary_folder() / fmt::format("assay-backends-{}.json", ::getpid());
  ChildCommand command;
  command.argv = {program.string(), "backends", "--format", "json"};
  command.log = log;
  ChildProcess process{std::move(command)};
  auto const exit = process.wait_until(std::chrono::steady_clock::now() + seconds{10});
  std::string const text = read_text(log);
  std::filesystem::remove(log);
  boost::system::error_code error;
  auto const document = json::parse(text, error);
  if (!exit || !exit->clean() || error || !document.is_object() ||
      document.get_object().if_contains("backends") == nullptr) {
    throw Failure{ExitStatus::internal_error, fmt::format("{} does not say which backends it has", program.string())};
  }
  std::vector<BackendEntry> entries;
  for (auto const& item : document.at("backends").as_array()) {
    auto const& object = item.as_object();
    BackendEntry entry{.name = string_at(object, "name"),
                       .description = string_at(object, "description"),
                       .service = string_at(object, "service"),
                       .missing = string_at(object, "missing"),
                       .capabilities = pairs_of(object.if_contains("capabilities"))};
    for (auto const& [name, value] : entry.capabilities) {
      if (name == "durability") entry.durability = value;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

CoordinatorProcess::CoordinatorProcess(CoordinatorOptions const& options)
    : options_{options}, log_{options.folder / "coordinator.log"} {
  start("127.0.0.1:0");
}

void CoordinatorProcess::start_again() {
  start(fmt::format("{}:{}", endpoint_.address().to_string(), endpoint_.port()));
}

void CoordinatorProcess::start(std::string const& listen) {
  ledgers_.push_back(options_.folder / fmt::format("coordinator-ledger-{}.csv", ledgers_.size() + 1));
  process_.emplace(coordinator_command(options_, listen, ledgers_.back(), log_));
  auto const line = process_->wait_for_line(ready_line, std::chrono::steady_clock::now() + seconds{30});
  if (!line) throw why_not_started();
  auto const ready = json::parse(*line);
  std::string const address = text_of(ready.at("listening"));
  auto const colon = address.rfind(':');
  endpoint_ = {boost::asio::ip::make_address(address.substr(0, colon)),
               static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
  facts_ = pairs_of(ready.as_object().if_contains("facts"));
}

// The coordinator knows best whether its store's URL is wrong or its server is not there: its status is ours.
Failure CoordinatorProcess::why_not_started() {
  constexpr std::string_view its_name = "assay-coordinator: ";
  auto const exit = process_->wait_until(std::chrono::steady_clock::now());
  bool const bad_input = exit && exit->signal == 0 && exit->status == static_cast<int>(ExitStatus::bad_input);
  std::string const said = last_line(log_);
  std::string const why = exit && said.starts_with(its_name)
                              ? said.substr(its_name.size())
                              : fmt::format("the coordinator with backend {} {}", options_.backend, last_words());
  return Failure{bad_input ? ExitStatus::bad_input : ExitStatus::unreachable, why};
}

std::string CoordinatorProcess::last_words() {
  auto const exit = process_->wait_until(std::chrono::steady_clock::now() + seconds{1});
  std::string const said = last_line(log_);
  std::string const how = exit ? to_string(*exit) : std::string{"is gone"};
  return said.empty() || said.starts_with(ready_line) ? how : fmt::format("{}: {}", how, said);
}

bool CoordinatorProcess::stop() { return process_->stop({SIGTERM}, seconds{15}).clean(); }

}  // namespace assay
