// Clauses 1–13, 47, 50: submitting and claiming; order, tags, batches, payloads.
#include "tests/conformance/claim_store_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

namespace assay::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(claim_store, c01_submit_claim_complete) {
  SKIP_UNLESS(lookup);
  RunSpec const spec = run("arm64,linux", 7);
  EXPECT_EQ(submit(spec), Outcome::ok);
  ASSERT_TRUE(find(spec.id));
  EXPECT_EQ(find(spec.id)->state, RunState::ready);
  EXPECT_EQ(find(spec.id)->attempts, 0);
  EXPECT_EQ(depth().ready, 1U);
  EXPECT_GE(depth().oldest_ready_age, Duration::zero());
  EXPECT_LT(depth().oldest_ready_age, seconds{30});

  auto claims = must(store().claim(one_demand("arm64,gpu,linux", 1, "runner-7"), seconds{60}));
  ASSERT_THAT(claims, SizeIs(1));
  Claim const claim = claims[0];
  EXPECT_EQ(claim.demand, 0U);
  EXPECT_EQ(claim.run, spec.id);
  EXPECT_EQ(claim.attempt, 1);
  EXPECT_EQ(claim.required, spec.required);
  EXPECT_EQ(claim.priority, 7);
  EXPECT_EQ(claim.payload, spec.payload);
  EXPECT_EQ(find(spec.id)->state, RunState::claimed);
  EXPECT_EQ(find(spec.id)->runner, "runner-7");
  EXPECT_FALSE(claim_one("arm64,gpu,linux")) << "claimed twice";

  EXPECT_EQ(complete(claim, "all is well"), Outcome::ok);
  auto const view = find(spec.id);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->id, spec.id);
  EXPECT_EQ(view->state, RunState::completed);
  EXPECT_EQ(view->required, spec.required);
  EXPECT_EQ(view->priority, 7);
  EXPECT_EQ(view->attempts, 1);
  EXPECT_EQ(view->runner, "runner-7");
  EXPECT_EQ(view->result, "all is well");
  EXPECT_EQ(depth().completed, 1U);
  EXPECT_EQ(depth().total(), 1U);
  EXPECT_FALSE(find(new_id()));
}

TEST_P(claim_store, c02_duplicate_submission_changes_nothing) {
  SKIP_UNLESS(lookup);
  RunSpec const spec = run("", 1);
  RunSpec other = spec;
  other.priority = 2;
  other.payload = "other";
  EXPECT_THAT(submit({spec, other}), ElementsAre(Outcome::ok, Outcome::already_done));
  EXPECT_EQ(submit(other), Outcome::already_done);
  EXPECT_EQ(depth().total(), 1U);
  auto const claim = claim_one();
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->priority, 1);
  EXPECT_EQ(claim->payload, spec.payload);
  EXPECT_EQ(submit(spec), Outcome::already_done) << "while claimed";
  complete(*claim);
  EXPECT_EQ(submit(spec), Outcome::already_done) << "when done";
  EXPECT_FALSE(claim_one());
}

TEST_P(claim_store, c03_a_batch_of_1000_is_answered_item_by_item) {
  SKIP_UNLESS(lookup);
  auto specs = runs(1000);
  specs[10].priority = highest_priority + 1;
  specs[20].priority = lowest_priority - 1;
  specs[30].max_attempts = 0;
  specs[40].delay = -milliseconds{1};
  specs[50].payload.assign(max_payload_bytes + 1, 'x');
  specs[60] = specs[59];
  std::vector<Outcome> expected(1000, Outcome::ok);
  for (std::size_t const bad : {10U, 20U, 30U, 40U, 50U}) expected[bad] = Outcome::rejected;
  expected[60] = Outcome::already_done;
  EXPECT_EQ(submit(specs), expected);
  EXPECT_EQ(depth().ready, 994U);
  EXPECT_FALSE(find(specs[10].id));
  EXPECT_TRUE(find(specs[999].id));
}

TEST_P(claim_store, c04_claim_on_empty) {
  EXPECT_THAT(claim("linux", 10), IsEmpty());
  EXPECT_THAT(must(store().claim({}, seconds{60})), IsEmpty());
  EXPECT_THAT(must(store().submit({})), IsEmpty());
  EXPECT_EQ(depth().total(), 0U);
}

TEST_P(claim_store, c05_fewer_ready_than_asked_and_more) {
  submit(runs(5));
  std::vector<Demand> demands;
  demands.push_back({TagSet{}, "first", 3});
  demands.push_back({TagSet::from_key("gpu"), "second", 10});
  demands.push_back({TagSet{}, "third", 1});
  auto const claims = must(store().claim(demands, seconds{60}));
  std::map<std::uint32_t, std::uint32_t> given;
  for (Claim const& claim : claims) ++given[claim.demand];
  EXPECT_THAT(claims, SizeIs(5)) << "all there is";
  for (auto const& [demand, count] : given) {
    ASSERT_LT(demand, demands.size());
    EXPECT_LE(count, demands[demand].count);
  }
  submit(runs(5));
  EXPECT_THAT(claim("", 2), SizeIs(2));
  EXPECT_EQ(depth().ready, 3U);
}

Awaitable<void> claim_until_all_are_given(ClaimStore& store, std::size_t total, std::vector<Claim>& given) {
  while (given.size() < total) {
    auto demands = one_demand("linux", 1);
    auto claims = co_await store.claim(std::move(demands), seconds{60});
    if (!claims) throw std::runtime_error{to_string(claims.error())};
    for (Claim& claim : *claims) given.push_back(std::move(claim));
    // A store that answers at once would never let the other claimers in.
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
  }
}

// 64 claimers, turn by turn on the given stores, until every run has been given to somebody.
std::vector<Claim> claimed_by_64(asio::io_context& io, std::vector<ClaimStore*> const& stores, std::size_t total) {
  std::vector<Claim> given;
  Contenders claimers{io};
  for (std::size_t i = 0; i < 64; ++i) {
    claimers.enter(claim_until_all_are_given(*stores[i % stores.size()], total, given));
  }
  claimers.run();
  return given;
}

void expect_each_run_once(std::vector<Claim> const& given, std::vector<RunSpec> const& specs) {
  std::set<RunId> distinct;
  std::set<ClaimToken> tokens;
  for (Claim const& claim : given) {
    distinct.insert(claim.run);
    tokens.insert(claim.token);
  }
  EXPECT_EQ(given.size(), specs.size());
  EXPECT_EQ(tokens.size(), given.size()) << "a token was given twice";
  for (RunSpec const& spec : specs) EXPECT_TRUE(distinct.contains(spec.id)) << "never claimed: " << to_string(spec.id);
  EXPECT_EQ(distinct.size(), specs.size()) << "a run was claimed twice";
}

// Ten, but two where each claim looks at the whole backlog, which the batch that may be asked for tells.
int thousands(Capabilities const& can) { return can.batch_limit < 1000 ? 2 : 10; }

TEST_P(claim_store, c06_no_double_claim) {
  std::vector<RunSpec> all;
  for (int i = 0; i < thousands(can()); ++i) {
    auto const specs = runs(1000, i % 2 == 0 ? "linux" : "");
    EXPECT_THAT(submit(specs), Each(Outcome::ok));
    all.insert(all.end(), specs.begin(), specs.end());
  }
  expect_each_run_once(claimed_by_64(io, {&store()}, all.size()), all);
  EXPECT_EQ(depth().claimed, all.size());
}

TEST_P(claim_store, c07_no_double_claim_through_two_coordinators) {
  SKIP_UNLESS(several_coordinators);
  ClaimStore& other = another_coordinator();
  std::vector<RunSpec> all;
  for (int i = 0; i < thousands(can()); ++i) {
    auto const specs = runs(1000, i % 2 == 0 ? "linux" : "");
    EXPECT_THAT(must((i % 3 == 0 ? other : store()).submit(specs)), Each(Outcome::ok));
    all.insert(all.end(), specs.begin(), specs.end());
  }
  expect_each_run_once(claimed_by_64(io, {&store(), &other}, all.size()), all);
}

TEST_P(claim_store, c08_first_in_first_out) {
  SKIP_UNLESS(fifo);
  std::vector<RunSpec> const batch = runs(20, "linux");
  submit(batch);
  std::vector<RunSpec> singles;
  for (int i = 0; i < 10; ++i) {
    singles.push_back(run("linux"));
    submit(singles.back());
  }
  std::vector<RunId> expected, given;
  for (auto const& spec : batch) expected.push_back(spec.id);
  for (auto const& spec : singles) expected.push_back(spec.id);
  for (std::size_t i = 0; i < 15; ++i) given.push_back(claim_one("linux").value().run);
  // Of a demand for many, the runs that are due are given; their order within the answer says nothing.
  std::vector<RunId> together;
  for (Claim const& claim : claim("linux", 10)) together.push_back(claim.run);
  EXPECT_THAT(together, testing::UnorderedElementsAreArray(expected.begin() + 15, expected.begin() + 25));
  given.insert(given.end(), expected.begin() + 15, expected.begin() + 25);
  for (std::size_t i = 0; i < 5; ++i) given.push_back(claim_one("linux").value().run);
  EXPECT_EQ(given, expected);
}

TEST_P(claim_store, c09_priority_before_age) {
  SKIP_UNLESS(priority);
  std::vector<RunSpec> const specs{run("", 0),   run("a", 5),    run("b", -100), run("b", 5),
                                   run("", 100), run("a,b", 50), run("", 0),     run("a", -1)};
  submit(specs);
  std::vector<int> priorities;
  while (auto const claim = claim_one("a,b")) priorities.push_back(claim->priority);
  EXPECT_THAT(priorities, ElementsAre(100, 50, 5, 5, 0, 0, -1, -100));
}

TEST_P(claim_store, c10_tags_fit_and_nothing_that_fits_is_withheld) {
  SKIP_UNLESS(tags);
  std::uint64_t const seed = random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random{seed};
  auto const random_tags = [&random] {
    std::vector<std::string> tags;
    for (char const* tag : {"a", "b", "c", "d", "e"}) {
      if (random.below(2) == 0) tags.emplace_back(tag);
    }
    return TagSet{tags}.key();
  };
  std::map<RunId, TagSet> ready;
  for (int round = 0; round < 40; ++round) {
    std::vector<RunSpec> specs;
    for (std::uint64_t i = random.below(8); i > 0; --i) specs.push_back(run(random_tags()));
    for (auto const& spec : specs) ready.emplace(spec.id, spec.required);
    submit(specs);
    TagSet const offered = TagSet::from_key(random_tags());
    auto const count = static_cast<std::uint32_t>(1 + random.below(6));
    auto const claims = claim(offered.key(), count);
    for (Claim const& claim : claims) {
      EXPECT_TRUE(offered.includes(claim.required)) << offered.key() << " was given " << claim.required.key();
      ASSERT_TRUE(ready.contains(claim.run));
      EXPECT_EQ(ready.at(claim.run), claim.required);
      ready.erase(claim.run);
    }
    auto const fits = [&](auto const& entry) { return offered.includes(entry.second); };
    EXPECT_TRUE(claims.size() == count || std::none_of(ready.begin(), ready.end(), fits)) << offered.key();
  }
}

TEST_P(claim_store, c11_an_untagged_run_fits_everybody) {
  submit({run(), run()});
  EXPECT_TRUE(claim_one(""));
  EXPECT_TRUE(claim_one("gpu,linux"));
}

TEST_P(claim_store, c12_a_runner_without_tags_gets_only_untagged_runs) {
  SKIP_UNLESS(tags);
  RunSpec const plain = run();
  submit({run("linux"), plain, run("gpu")});
  auto const claims = claim("", 10);
  ASSERT_THAT(claims, SizeIs(1));
  EXPECT_EQ(claims[0].run, plain.id);
}

TEST_P(claim_store, c13_a_new_tag_set_is_seen_by_whoever_claims) {
  EXPECT_FALSE(claim_one("never,seen,before")) << "what this offer includes is now known to the store";
  must(another_coordinator().submit({run("seen")}));
  EXPECT_TRUE(claim_one("never,seen,before"));
}

TEST_P(claim_store, c47_too_much_at_once_is_refused_or_done_never_half) {
  auto const specs = runs(can().batch_limit + 1);
  auto const outcomes = ask(store().submit(specs));
  if (outcomes) {
    EXPECT_THAT(*outcomes, SizeIs(specs.size()));
    EXPECT_THAT(*outcomes, Each(Outcome::ok));
    EXPECT_EQ(depth().ready, specs.size());
  } else {
    EXPECT_EQ(outcomes.error().kind, ErrorKind::rejected) << to_string(outcomes.error());
    EXPECT_EQ(depth().total(), 0U);
  }
}

TEST_P(claim_store, c47_what_a_full_disk_refuses_is_not_half_there) {
  std::vector<RunSpec> const before = runs(100);
  EXPECT_THAT(submit(before), Each(Outcome::ok));
  auto const claimed = claim("", 1);
  std::size_t const room = data().fill_disk();
  if (room == 0) GTEST_SKIP() << GetParam() << ": the suite cannot fill the disk of its data";
  auto large = runs(room / max_payload_bytes + 16);
  Random random{50};  // nothing that could be compressed
  for (RunSpec& spec : large) {
    spec.payload.resize(max_payload_bytes);
    for (char& byte : spec.payload) byte = static_cast<char>(random.below(256));
  }
  std::size_t accepted = 0;
  std::optional<Error> refused;
  while (!refused && accepted < large.size()) {
    auto const next = large.begin() + static_cast<std::ptrdiff_t>(accepted);
    auto const outcomes = ask(store().submit({next, next + 8}));
    if (outcomes) {
      EXPECT_THAT(*outcomes, Each(Outcome::ok));
      accepted += outcomes->size();
    } else {
      refused = outcomes.error();
    }
  }
  ASSERT_TRUE(refused) << "4 MiB more than there is room for";
  EXPECT_THAT(refused->kind, testing::AnyOf(ErrorKind::unavailable, ErrorKind::in_doubt)) << to_string(*refused);
  EXPECT_NE(refused->detail, "");
  data().free_disk();
  EXPECT_EQ(depth().total(), before.size() + accepted);
  EXPECT_EQ(complete(claimed.at(0)), Outcome::ok);
  std::vector<RunSpec> const rest{large.begin() + static_cast<std::ptrdiff_t>(accepted), large.end()};
  EXPECT_THAT(submit(rest), Each(Outcome::ok));
  reopen();
  EXPECT_EQ(depth().completed, 1U);
  EXPECT_EQ(depth().ready, before.size() - 1 + large.size());
}

TEST_P(claim_store, c50_payloads_and_results_are_bytes) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte.push_back(static_cast<char>(i));
  std::string largest;
  while (largest.size() < max_payload_bytes) largest.append(every_byte);
  largest.resize(max_payload_bytes);
  using namespace std::string_literals;
  for (std::string const& payload :
       {""s, "\0"s, "a\0b"s, every_byte, largest, "'; DROP TABLE run; --"s, "\\x00{},\"\n"s}) {
    RunSpec spec = run("linux");
    spec.payload = payload;
    EXPECT_EQ(submit(spec), Outcome::ok) << payload.size() << " bytes";
    auto const claim = claim_one("linux");
    ASSERT_TRUE(claim);
    EXPECT_TRUE(claim->payload == payload) << payload.size() << " bytes came back as " << claim->payload.size();
    EXPECT_EQ(complete(*claim, payload), Outcome::ok);
    if (can().lookup) {
      EXPECT_TRUE(find(spec.id)->result == payload) << payload.size() << " bytes";
    }
  }
  RunSpec spec = run();
  spec.payload.assign(max_payload_bytes + 1, 'x');
  EXPECT_EQ(submit(spec), Outcome::rejected);
  EXPECT_FALSE(find(spec.id));
}

}  // namespace
}  // namespace assay::test
