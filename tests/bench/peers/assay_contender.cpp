// assay's own part in the comparison with other job systems (tests/bench/peers/run): postgres-batch through ClaimStore,
// and the files that let pgbench send the same SQL. Prints one line of JSON, as every contender does.
#include "reference_coordinator/backends/postgres/batch_sql.hpp"
#include "tests/integration/postgres_fixture.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>

namespace assay::test {
namespace {

constexpr std::size_t first_epoch = 1000;  // of pgbench's clients; a fresh database's stores have 1, 2, …

struct Work {
  std::size_t runs = 50'000;
  std::size_t callers = 4;
  std::uint32_t per_call = 100;
  std::string url;
};

struct Progress {
  ClaimStore& store;
  std::uint32_t per_call;
  std::size_t completed = 0;
};

Awaitable<void> claim_and_complete(Progress& progress) {
  for (;;) {
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, "runner", progress.per_call});
    auto claims = co_await progress.store.claim(std::move(demands), seconds{30});
    if (!claims) throw std::runtime_error{to_string(claims.error())};
    if (claims->empty()) co_return;
    std::vector<Completion> completions;
    for (Claim& claim : *claims) completions.push_back({claim.run, claim.token, "result"});
    auto outcomes = co_await progress.store.complete(std::move(completions));
    if (!outcomes) throw std::runtime_error{to_string(outcomes.error())};
    for (Outcome const outcome : *outcomes) {
      if (outcome != Outcome::ok) throw std::runtime_error{"a completion was not accepted"};
      ++progress.completed;
    }
  }
}

void submit(OpenStore& open, std::size_t runs) {
  for (std::size_t left = runs; left > 0;) {
    std::size_t const n = std::min<std::size_t>(left, 1000);
    open.submit(make_runs(n));
    left -= n;
  }
}

void measure(Work const& work) {
  asio::io_context io;
  OpenStore open{io, backend_postgres_batch(), work.url};
  submit(open, work.runs);
  Progress progress{open.store(), work.per_call};
  std::size_t running = work.callers;
  auto const start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < work.callers; ++i) {
    asio::co_spawn(io, claim_and_complete(progress), [&](std::exception_ptr failure) {
      --running;
      if (failure) std::rethrow_exception(failure);
    });
  }
  io.restart();
  while (running > 0) io.run_one();
  auto const took = std::chrono::steady_clock::now() - start;
  Depth const depth = open.depth();
  if (progress.completed != work.runs || depth.completed != work.runs || depth.total() != work.runs) {
    throw std::runtime_error{fmt::format("{} of {} runs were completed", progress.completed, work.runs)};
  }
  fmt::print("{{\"runs\":{},\"seconds\":{:.6f}}}\n", work.runs, to_seconds(took));
}

std::string find_statement(std::vector<postgres::Prepared> const& statements, std::string_view name) {
  for (postgres::Prepared const& statement : statements) {
    if (statement.name == name) return statement.sql;
  }
  throw std::runtime_error{fmt::format("no statement '{}'", name)};
}

// The claim and the completion of 100 runs as a pgbench script. pgbench fills in text, so arrays travel as text; what
// the claim gave comes back in variables (\gset). Each client has an epoch and a row of `tally` of its own, as each of
// our completing connections has. A claim commits asynchronously, as on our claim connection.
std::string pgbench_script(std::uint32_t per_call, std::string const& tag_set) {
  auto const fill_in = [](std::string sql, std::vector<std::string> const& parameters) {
    for (std::size_t i = parameters.size(); i > 0; --i) {  // from the last one, so that $1 is not found in $10
      std::string const name = fmt::format("${}", i);
      for (std::size_t at = sql.find(name); at != std::string::npos; at = sql.find(name, at)) {
        sql.replace(at, name.size(), parameters[i - 1]);
      }
    }
    return sql;
  };
  std::string claim = find_statement(postgres::claim_statements(), "claim_heads");
  std::size_t const found = claim.rfind(") SELECT p.n, ");
  if (found == std::string::npos) throw std::runtime_error{"claim_heads does not end as expected"};
  std::string const given = claim.substr(found + 2);
  claim.resize(found + 1);
  claim += fmt::format(
      ", given AS ({}) SELECT coalesce(array_agg(run), '{{}}') AS runs, coalesce(array_agg(:epoch::int8), '{{}}') AS "
      "epochs, coalesce(array_agg(:first::int8 + n), '{{}}') AS counters, coalesce(array_agg('result'::bytea), '{{}}') "
      "AS said, sum(length(payload)) AS bytes, set_config('synchronous_commit', 'off', true) AS leases FROM given",
      given);
  std::string const all = fmt::format("'{{{}}}'", per_call);  // the one runner's share ends where the batch ends
  claim = fill_in(std::move(claim), {fmt::format("'{{{}}}'", tag_set), std::to_string(per_call), "30000000", ":epoch",
                                     ":first", "'{runner}'", all});
  std::string const complete = fill_in(find_statement(postgres::complete_statements(), "complete"),
                                       {":runs", ":epochs", ":counters", ":said", ":epoch", "1"});
  return fmt::format("\\set epoch {} + :client_id\n\\set first :first + {}\n{} \\gset\n{};\n", first_epoch, per_call,
                     claim, complete);
}

// Submits the runs and gives each client of pgbench its row of `tally`; then pgbench runs outside of us.
void prepare(Work const& work, std::size_t clients, std::string const& script) {
  asio::io_context io;
  {
    OpenStore open{io, backend_postgres_batch(), work.url};
    submit(open, work.runs);
  }
  ask_postgres(work.url, fmt::format("INSERT INTO assay_batch.tally (epoch, who) SELECT {} + c, 1 FROM "
                                     "generate_series(0, {}) AS c",
                                     first_epoch, clients - 1));
  std::string const tag_set = ask_postgres(work.url, "SELECT id FROM assay_batch.tag_set WHERE tags = ''");
  std::ofstream file{script};
  file << pgbench_script(work.per_call, tag_set);
  if (!file.flush()) throw std::runtime_error{fmt::format("cannot write '{}'", script)};
  std::string options;
  for (std::string const& set : postgres::steady_plans()) {  // "SET a = b" → "-c a=b"
    std::string option = set.substr(std::string{"SET "}.size());
    std::erase(option, ' ');
    options += fmt::format("{}-c {}", options.empty() ? "" : " ", option);
  }
  fmt::print("{{\"pgoptions\":\"{}\"}}\n", options);
}

// A private, durable server, set as for every assessment, until our input ends.
void serve() {
  PrivatePostgres const server;
  fmt::print("{}\n", server.socket_url("postgres"));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

}  // namespace
}  // namespace assay::test

int main(int argc, char** argv) {
  CLI::App app{"assay's part in tests/bench/peers/run"};
  app.require_subcommand(1);
  assay::test::Work work;
  std::size_t clients = 2;
  std::string script;
  CLI::App* const server = app.add_subcommand("server", "a private PostgreSQL until the end of input");
  CLI::App* const run = app.add_subcommand("run", "claim and complete runs through ClaimStore");
  CLI::App* const prepare = app.add_subcommand("prepare", "submit runs, and write the script for pgbench");
  for (CLI::App* const each : {run, prepare}) {
    each->add_option("--postgres-url", work.url)->required();
    each->add_option("--runs", work.runs)->check(CLI::PositiveNumber);
    each->add_option("--per-call", work.per_call, "runs per claim")->check(CLI::PositiveNumber);
  }
  run->add_option("--callers", work.callers, "calls at once")->check(CLI::PositiveNumber);
  prepare->add_option("--clients", clients, "pgbench's connections")->check(CLI::PositiveNumber);
  prepare->add_option("--script", script)->required();
  CLI11_PARSE(app, argc, argv);
  try {
    if (*server) assay::test::serve();
    if (*run) assay::test::measure(work);
    if (*prepare) assay::test::prepare(work, clients, script);
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
