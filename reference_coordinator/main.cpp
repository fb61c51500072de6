// assay-coordinator: the reference coordinator as a program. `serve` runs it over one backend, `backends` lists what
// there is. It says {"listening":…} on one line of standard output when it is ready, logs to standard error, and stops
// gracefully on SIGTERM and SIGINT; a second signal stops it at once.
#include "harness/base/descriptors.hpp"
#include "harness/base/text.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "reference_coordinator/http/coordinator.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>

namespace assay {
namespace {

struct Settings {
  CoordinatorOptions coordinator;
  std::string listen = "127.0.0.1:8080";
  std::string log_level = "warn";
  bool die_with_parent = false;
  std::string format = "text";
  std::vector<std::string> store_settings;
  std::string dispatch = "pull";
  bool unfenced = false;
};

// "127.0.0.1:8080" or "[::1]:8080".
void set_listen(std::string const& text, ServerOptions& server) {
  std::size_t const colon = text.rfind(':');
  std::string_view const port =
      colon == std::string::npos ? std::string_view{} : std::string_view{text}.substr(colon + 1);
  auto const [end, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) {
    throw Failure{ExitStatus::bad_input,
                  fmt::format("--listen: an address such as 127.0.0.1:8080 is expected, found \"{}\"", text)};
  }
  server.address = text.substr(0, colon);
  if (server.address.starts_with('[') && server.address.ends_with(']')) {
    server.address = server.address.substr(1, server.address.size() - 2);
  }
}

Backend const& backend_named(std::string const& name) {
  std::vector<std::string> names;
  for (auto const& backend : all_backends()) names.push_back(backend.name);
  Backend const* const backend = find_backend(name);
  if (backend == nullptr) {
    auto const meant = nearest(name, names);
    throw Failure{ExitStatus::bad_input,
                  meant ? fmt::format("--backend: there is no \"{}\", did you mean \"{}\"?", name, *meant)
                        : fmt::format("--backend: there is no \"{}\"; there are {}", name, fmt::join(names, ", "))};
  }
  if (!backend->missing.empty()) {
    throw Failure{ExitStatus::bad_input, fmt::format("--backend: {} is {}", name, backend->missing)};
  }
  return *backend;
}

// "clamp=false", of a setting that this backend has.
void set_store_settings(Backend const& backend, std::vector<std::string> const& given, StoreOptions& store) {
  std::vector<std::string> names;
  for (auto const& setting : backend.settings) names.push_back(setting.name);
  for (auto const& text : given) {
    std::size_t const equals = text.find('=');
    std::string const name = text.substr(0, equals);
    auto const setting = std::find_if(backend.settings.begin(), backend.settings.end(),
                                      [&](StoreSetting const& known) { return known.name == name; });
    if (setting == backend.settings.end()) {
      auto const meant = nearest(name, names);
      throw Failure{ExitStatus::bad_input,
                    fmt::format("--store-setting: {} has no \"{}\"{}", backend.name, name,
                                meant           ? fmt::format(", did you mean \"{}\"?", *meant)
                                : names.empty() ? ", nor any other"
                                                : fmt::format("; it has {}", fmt::join(names, ", ")))};
    }
    std::string const value = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (std::find(setting->values.begin(), setting->values.end(), value) == setting->values.end()) {
      throw Failure{ExitStatus::bad_input, fmt::format("--store-setting: {} is {}, not \"{}\"", name,
                                                       fmt::join(setting->values, " or "), value)};
    }
    store.settings[name] = value;
  }
}

// Every connection is a descriptor, and so are the store's.
void provide_descriptors(std::size_t connections, int store_connections) {
  constexpr std::size_t others = 64;  // log, ledger, event loop, libraries
  std::size_t const needed = connections + static_cast<std::size_t>(std::max(store_connections, 16)) + others;
  std::size_t const allowed = raise_descriptor_limit();
  if (needed <= allowed) return;
  throw Failure{ExitStatus::bad_input,
                fmt::format("--max-connections: {} do not fit into the {} file descriptors that this process may open "
                            "(ulimit -n); at most {}",
                            connections, allowed, connections - (needed - allowed))};
}

void die_with(::pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It may have died before we asked.
  if (::getppid() != parent) throw Failure{ExitStatus::unreachable, "--die-with-parent: the parent is gone already"};
}

void start_log(std::string const& level) {
  auto const log = spdlog::stderr_logger_st("assay-coordinator");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  log->set_level(spdlog::level::from_str(level));
  log->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(log);
}

int serve(Settings& settings) {
  start_log(settings.log_level);
  auto& options = settings.coordinator;
  set_listen(settings.listen, options.server);
  options.push_runs = settings.dispatch == "push";
  options.push.fenced = !settings.unfenced;
  Backend const& backend = backend_named(options.backend);
  set_store_settings(backend, settings.store_settings, options.store);
  provide_descriptors(options.server.max_connections, options.store.connections);
  return run_coordinator(backend, options, [](std::string const& ready) {
    fmt::print("{}\n", ready);
    std::fflush(stdout);
  });
}

int list_backends(std::string const& format) {
  if (format == "json") {
    fmt::print("{}\n", encode_backends(all_backends()));
    return 0;
  }
  for (auto const& backend : all_backends()) {
    fmt::print("{:<24}{}\n", backend.name, backend.missing.empty() ? backend.description : backend.missing);
    if (!backend.missing.empty()) continue;
    fmt::print("{:<24}{}\n", "", describe(backend.capabilities));
    for (auto const& setting : backend.settings) {
      fmt::print("{:<24}{}={}: {}\n", "", setting.name, fmt::join(setting.values, "|"), setting.description);
    }
  }
  return 0;
}

// A duration as everywhere in the project; CLI11's own units are others.
void add_duration(CLI::App& app, std::string const& name, Duration& into, Duration lowest, std::string const& help) {
  app.add_option_function<std::string>(
         name,
         [&into, name, lowest](std::string const& text) {
           auto const parsed = parse_duration(text);
           if (!parsed || *parsed < lowest) {
             throw CLI::ValidationError(
                 name, fmt::format("a duration such as \"30s\" of at least {} is expected, found \"{}\"",
                                   format_duration(lowest), text));
           }
           into = *parsed;
         },
         help)
      ->type_name("DURATION")
      ->default_str(format_duration(into));
}

void add_serve_options(CLI::App& app, Settings& settings) {
  auto& options = settings.coordinator;
  app.add_option("--backend", options.backend, "Which store to use; see `assay-coordinator backends`")
      ->capture_default_str();
  app.add_option("--store-url", options.store.url,
                 "Its server or file, e.g. postgresql://user@host:port/database, or runs.sqlite")
      ->envname("ASSAY_STORE_URL");  // a password does not belong on a command line that every user can list
  app.add_option("--store-connections", options.store.connections, "Connections to it; 0: the backend's default")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  add_duration(app, "--store-patience", options.store.patience, milliseconds{100},
               "How long a store's server may take to answer before its connection counts as lost");
  app.add_option("--store-setting", settings.store_settings, "Of this backend only, NAME=VALUE; see `backends`")
      ->type_name("NAME=VALUE");
  app.add_flag("--temporary-store", options.store.temporary,
               "Refuse a store that is there already, and remove what was made when stopping");
  app.add_option("--listen", settings.listen, "Address and port; port 0: any free one")->capture_default_str();
  app.add_option("--identities", options.identities, "JSON file of the bearer tokens of runners and submitters");
  add_duration(app, "--lease", options.lease, milliseconds{10}, "How long a claim is valid without news");
  add_duration(app, "--offer", options.offer, Duration{0},
               "How long a claim is valid until its runner says that it has the run; 0s: as long as the lease");
  add_duration(app, "--sweep-interval", options.sweep_interval, milliseconds{1},
               "How often lost leases are looked for");
  add_duration(app, "--reply-lookup", options.reply_lookup, Duration{0},
               "How often a submission that waits looks for its run's end at another coordinator; 0s: never");
  app.add_option("--dispatch", settings.dispatch,
                 "pull: runners poll. push: they may also connect by WebSocket, and runs are sent to them")
      ->check(CLI::IsMember({"pull", "push"}))
      ->capture_default_str();
  std::vector<std::string> const pickers{picker_names().begin(), picker_names().end()};
  app.add_option("--picker", options.push.picker, "Which of the runners that could take it a run is pushed to")
      ->check(CLI::IsMember(pickers))
      ->capture_default_str();
  add_duration(app, "--claim-deadline", options.push.claim_deadline, milliseconds{10},
               "How long a claim to push is valid, until the runner's first heartbeat");
  app.add_flag("--fair-by-source", options.push.fair_by_source,
               "Push so that each source (a tag \"source:…\") gets the same runner time");
  app.add_flag("--unfenced", settings.unfenced,
               "Believe every report, current or not, and give out claims past their deadline: for comparison");
  app.add_option("--max-attempts", options.max_attempts, "Of runs that name no number themselves")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_duration(app, "--retry-base", options.store.retry.base, Duration{0},
               "Delay after the first failed attempt; doubles");
  add_duration(app, "--retry-limit", options.store.retry.limit, Duration{0}, "Longest delay after a failed attempt");
  app.add_option("--max-connections", options.server.max_connections, "More are turned away")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
      ->capture_default_str();
  add_duration(app, "--idle-time", options.server.idle_time, milliseconds{10}, "Between two requests of a connection");
  add_duration(app, "--request-time", options.server.request_time, milliseconds{10}, "For a request to arrive");
  add_duration(app, "--response-time", options.server.response_time, milliseconds{10},
               "For a client to take its answer");
  add_duration(app, "--stop-time", options.stop_time, Duration{0}, "For requests in progress, after SIGTERM");
  app.add_option("--ledger", options.ledger, "Append what happens to each run to this CSV file");
  app.add_option("--log-level", settings.log_level, "debug, info, warn, error or off")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_flag("--die-with-parent", settings.die_with_parent, "Stop when the process that started this one ends");
}

[[noreturn]] void refuse_unknown(CLI::App const& app, std::string const& unknown) {
  std::vector<std::string> names;
  for (CLI::Option const* const option : app.get_options()) {
    for (auto const& name : option->get_lnames()) names.push_back("--" + name);
  }
  auto const meant = nearest(unknown.substr(0, unknown.find('=')), names);
  throw Failure{ExitStatus::bad_input, meant ? fmt::format("{}: unknown option, did you mean \"{}\"?", unknown, *meant)
                                             : fmt::format("{}: unknown option (see --help)", unknown)};
}

int run(int argc, char** argv) {
  ::pid_t const parent = ::getppid();
  Settings settings;
  CLI::App app{"The reference run coordinator: hands runs to runners over HTTP, on top of one store."};
  app.require_subcommand(0, 1);
  app.allow_extras();  // to be refused in our own words
  add_serve_options(app, settings);
  app.add_subcommand("serve", "Run the coordinator (the default)")->fallthrough();
  CLI::App* const backends = app.add_subcommand("backends", "List the stores this program knows, and what they can do");
  backends->add_option("--format", settings.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  try {
    app.parse(argc, argv);
  } catch (CLI::CallForHelp const& help) {
    return app.exit(help);
  } catch (CLI::ParseError const& mistake) {
    throw Failure{ExitStatus::bad_input, fmt::format("{} (see --help)", mistake.what())};
  }
  if (auto const unknown = app.remaining(true); !unknown.empty()) {
    auto const named =
        std::find_if(unknown.begin(), unknown.end(), [](auto const& word) { return word.starts_with("--"); });
    refuse_unknown(app, named == unknown.end() ? unknown.front() : *named);
  }
  if (*backends) return list_backends(settings.format);
  if (settings.die_with_parent) die_with(parent);
  return serve(settings);
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return assay::run(argc, argv);
  } catch (assay::Failure const& failure) {
    fmt::print(stderr, "assay-coordinator: {}\n", failure.what());
    return static_cast<int>(failure.status());
  } catch (std::exception const& problem) {
    fmt::print(stderr, "assay-coordinator: internal error: {}\n", problem.what());
    return static_cast<int>(assay::ExitStatus::internal_error);
  }
}
