// The backend redis-list on a real Redis: what becomes of replies and of their keys on each path, and what its user
// hears when the server is the wrong one or goes away. The contract's clauses are in tests/conformance.
#include "harness/services/redis_service.hpp"
#include "reference_coordinator/backends/redis/address.hpp"
#include "reference_coordinator/backends/redis/link.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/support/cutting_proxy.hpp"
#include "tests/support/rewriting_proxy.hpp"
#include "tests/support/run_coroutine.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

namespace assay {

Backend backend_redis_list();

namespace test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Duration patience = seconds{20};

// A coordinator's side of it: the opened store, and the replies it has heard.
struct Opened {
  explicit Opened(OpenedStore opened) : store{std::move(opened.store)}, replies{std::move(opened.replies)} {
    replies->listen([this](RunId const& run, Reply const& reply) { heard[run] = reply; });
  }

  std::unique_ptr<ClaimStore> store;
  std::unique_ptr<ReplyPath> replies;
  std::map<RunId, Reply> heard;
};

class RedisList : public testing::Test {
 protected:
  ~RedisList() override {
    for (auto& one : coordinators_) {
      run_coroutine(io, one->replies->close());
      run_coroutine(io, one->store->close());
    }
  }

  Result<OpenedStore> try_open(std::string url, std::map<std::string, std::string> settings = {}) {
    StoreOptions options;
    options.url = std::move(url);
    options.settings = std::move(settings);
    options.connections = 4;
    return run_coroutine(io, backend_redis_list().open(io, clock, std::move(options)));
  }

  Opened& open(std::map<std::string, std::string> settings = {}) {
    auto opened = try_open(server.url(), std::move(settings));
    if (!opened) throw std::runtime_error{to_string(opened.error())};
    coordinators_.push_back(std::make_unique<Opened>(std::move(*opened)));
    return *coordinators_.back();
  }

  RunId new_id() {
    RunId id;
    id.bytes[15] = static_cast<std::uint8_t>(++ids_);
    id.bytes[14] = static_cast<std::uint8_t>(ids_ >> 8U);
    return id;
  }

  // Submitted at one, worked and reported at the other.
  RunId submit(Opened& at) {
    RunSpec spec;
    spec.id = new_id();
    EXPECT_EQ(must(at.store->submit({spec})).at(0), Outcome::ok);
    return spec.id;
  }
  void work(Opened& at, std::string const& result = "passed") {
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, "runner", 1});
    auto const claims = must(at.store->claim(std::move(demands), seconds{60}));
    ASSERT_THAT(claims, SizeIs(1));
    EXPECT_EQ(must(at.store->complete({{claims[0].run, claims[0].token, result}})).at(0), Outcome::ok);
  }

  template <class T>
  T must(Awaitable<Result<T>> call) {
    auto result = run_coroutine(io, std::move(call));
    if (!result) throw std::runtime_error{to_string(result.error())};
    return std::move(*result);
  }

  template <class Done>
  bool until(Done const& done) {
    TimePoint const deadline = clock.now() + patience;
    while (!done()) {
      if (clock.now() > deadline) return false;
      run_coroutine(io, sleep_until(clock.now() + milliseconds{1}));
    }
    return true;
  }

  double figure(Opened& at, std::string const& name) {
    must(at.store->depth());
    for (auto const& figure : at.store->figures()) {
      if (figure.name == name) return figure.value;
    }
    throw std::runtime_error{"no figure " + name};
  }

  std::vector<redis::Value> ask(std::initializer_list<std::string_view> words) {
    if (!link_) {
      redis::Link::Options options;
      options.address = redis::parse_address(server.url()).value();
      link_ = run_coroutine(io, redis::Link::open(io.get_executor(), std::move(options))).value();
    }
    redis::Commands commands;
    commands.add(words);
    return must(link_->run(std::move(commands)));
  }
  std::size_t response_keys() { return ask({"KEYS", "assay:response:*"}).front().items.size(); }

  SystemClock clock;
  PrivateRedis server;
  asio::io_context io;

 private:
  std::vector<std::unique_ptr<Opened>> coordinators_;
  std::shared_ptr<redis::Link> link_;
  unsigned ids_ = 0;
};

// A path, and how results are fetched from it.
using Settings = std::map<std::string, std::string>;
struct EachPath : public RedisList, public testing::WithParamInterface<Settings> {};

TEST_P(EachPath, BringsTheResultToTheCoordinatorWhereItsSubmitterWaits) {
  Opened& here = open(GetParam());
  Opened& there = open(GetParam());
  for (int i = 0; i < 20; ++i) {  // more than there are connections
    RunId const run = submit(here);
    here.replies->expect(run, clock.now() + patience);
    work(there, "result " + std::to_string(i));
    ASSERT_TRUE(until([&] { return here.heard.contains(run); }));
    EXPECT_EQ(here.heard[run].state, RunState::completed);
    EXPECT_EQ(here.heard[run].result, "result " + std::to_string(i));
  }
  EXPECT_THAT(there.heard, IsEmpty());
  EXPECT_EQ(response_keys(), 0U);
}

TEST_P(EachPath, ManyWaitsAtOnceEachHearTheirOwn) {
  Opened& here = open(GetParam());
  std::set<RunId> runs;
  for (int i = 0; i < 50; ++i) {
    runs.insert(submit(here));
  }
  for (auto const& run : runs) here.replies->expect(run, clock.now() + patience);
  for (int i = 0; i < 50; ++i) work(here);
  EXPECT_TRUE(until([&] { return here.heard.size() == runs.size(); })) << here.heard.size();
  for (auto const& [run, reply] : here.heard) EXPECT_TRUE(runs.contains(run));
}

INSTANTIATE_TEST_SUITE_P(Replies, EachPath,
                         testing::Values(Settings{{"replies", "per_task"}},
                                         Settings{{"replies", "per_task"}, {"reply_fetch", "keep"}},
                                         Settings{{"replies", "pubsub"}}, Settings{{"replies", "shared_queue"}}),
                         [](auto const& settings) {
                           auto const& chosen = settings.param;
                           return chosen.at("replies") + (chosen.contains("reply_fetch") ? "_kept" : "");
                         });

TEST_F(RedisList, TheFaultyTtlLeavesOnePermanentKeyForEachTask) {
  Opened& one = open({{"reply_ttl", "faulty"}});
  for (int i = 0; i < 10; ++i) {
    RunId const run = submit(one);
    one.replies->expect(run, clock.now() + patience);
    work(one);
    ASSERT_TRUE(until([&] { return one.heard.contains(run); })) << "the result itself arrives: nobody notices";
  }
  EXPECT_EQ(response_keys(), 10U);
  auto const keys = ask({"KEYS", "assay:response:*"});
  for (auto const& key : keys.front().items) {
    EXPECT_EQ(ask({"TTL", key.text}).front().integer, -1) << "for ever";
    EXPECT_EQ(ask({"LLEN", key.text}).front().integer, 2) << "EX and 60";
  }
}

TEST_F(RedisList, ARepliedKeyThatNobodyFetchesIsGoneAfterItsTtl) {
  Opened& one = open({{"reply_ttl", "expire"}, {"reply_seconds", "1"}});
  submit(one);
  work(one);
  EXPECT_EQ(response_keys(), 1U) << "an orphan: nobody waits";
  EXPECT_TRUE(until([&] { return response_keys() == 0; }));
}

TEST_F(RedisList, WithoutATtlAnOrphanStaysUntilTheCleanUpJobRemovesIt) {
  Opened& plain = open({{"reply_ttl", "none"}});
  submit(plain);
  work(plain);
  EXPECT_EQ(ask({"TTL", ask({"KEYS", "assay:response:*"}).front().items.at(0).text}).front().integer, -1);
  Opened& cleaning = open({{"reply_ttl", "cleanup"}, {"reply_seconds", "1"}});
  EXPECT_TRUE(until([&] { return response_keys() == 0; }));
  EXPECT_TRUE(until([&] { return figure(cleaning, "cleaned_keys") == 1; }));
  EXPECT_GT(figure(cleaning, "cleanup_ms_max"), 0);
}

TEST_F(RedisList, AWaitThatIsGivenUpFreesItsConnectionAndItsLateResultIsAnOrphan) {
  Opened& one = open({{"reply_ttl", "expire"}});
  std::vector<RunId> abandoned;
  for (int i = 0; i < 4; ++i) {  // all connections
    abandoned.push_back(submit(one));
    one.replies->expect(abandoned.back(), clock.now() + seconds{600});
  }
  ASSERT_TRUE(until([&] {
    return ask({"INFO", "clients"}).front().text.find("blocked_clients:4") != std::string::npos;
  }));
  for (auto const& run : abandoned) one.replies->forget(run);
  ASSERT_TRUE(until([&] {
    return ask({"INFO", "clients"}).front().text.find("blocked_clients:0") != std::string::npos;
  }));
  for (int i = 0; i < 4; ++i) work(one);
  EXPECT_EQ(response_keys(), 4U);
  RunId const next = submit(one);
  one.replies->expect(next, clock.now() + patience);
  work(one);
  EXPECT_TRUE(until([&] { return one.heard.contains(next); }));
}

TEST_F(RedisList, WhatIsPublishedWhileNobodyIsSubscribedIsLostAndCounted) {
  Opened& here = open({{"replies", "pubsub"}});
  Opened& there = open({{"replies", "pubsub"}});
  auto const subscribed = [&] { return ask({"PUBSUB", "CHANNELS", "assay:replies:*"}).front().items.size(); };
  ASSERT_TRUE(until([&] { return subscribed() == 2; }));
  submit(here);
  run_coroutine(io, here.replies->close());
  ASSERT_TRUE(until([&] { return subscribed() == 1; }));
  work(there);
  EXPECT_EQ(figure(there, "replies_sent"), 1);
  EXPECT_EQ(figure(there, "replies_unheard"), 1);
  EXPECT_THAT(here.heard, IsEmpty());
}

TEST_F(RedisList, ABrokenSubscriptionComesBack) {
  Opened& one = open({{"replies", "pubsub"}});
  ask({"CLIENT", "KILL", "TYPE", "pubsub"});
  ASSERT_TRUE(until([&] { return figure(one, "reply_reconnects") >= 1; }));
  ASSERT_TRUE(until([&] { return ask({"PUBSUB", "CHANNELS", "assay:replies:*"}).front().items.size() == 1; }));
  RunId const run = submit(one);
  one.replies->expect(run, clock.now() + patience);
  work(one);
  EXPECT_TRUE(until([&] { return one.heard.contains(run); }));
}

TEST_F(RedisList, AListKeepsTheResultWhileTheConnectionIsDown) {
  for (auto const* path : {"per_task", "shared_queue"}) {
    Opened& one = open({{"replies", path}});
    RunId const run = submit(one);
    one.replies->expect(run, clock.now() + patience);
    ASSERT_TRUE(until([&] {
      return ask({"INFO", "clients"}).front().text.find("blocked_clients:0") == std::string::npos;
    }));
    ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    ASSERT_TRUE(until([&] { return bool{run_coroutine(io, one.store->depth())}; }));
    work(one);
    EXPECT_TRUE(until([&] { return one.heard.contains(run); })) << path;
    run_coroutine(io, one.replies->close());
  }
}

TEST_F(RedisList, ARestartOfTheServerIsAnErrorMeanwhileAndThenForgotten) {
  Opened& one = open();
  RunId const before = submit(one);
  server.stop();
  RunSpec spec;
  spec.id = new_id();
  auto const refused = run_coroutine(io, one.store->submit({spec}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("Redis"));
  server.start();
  ASSERT_TRUE(until([&] { return bool{run_coroutine(io, one.store->depth())}; }));
  one.replies->expect(before, clock.now() + patience);
  work(one);
  EXPECT_TRUE(until([&] { return one.heard.contains(before); })) << "it was in the append-only file";
}

TEST_F(RedisList, AWrongAddressOrPasswordIsOneClearLine) {
  struct Case {
    std::string url;
    ErrorKind kind;
    std::string says;
  };
  PrivateRedis const locked{"sesame"};
  std::string const socket = locked.socket().string();
  for (auto const& [url, kind, says] : {
           Case{"", ErrorKind::misconfigured, "is missing"},
           Case{"http://x", ErrorKind::misconfigured, "neither redis:// nor unix://"},
           Case{"redis://", ErrorKind::misconfigured, "names no host"},
           Case{"redis://host:99999", ErrorKind::misconfigured, "a port that is none"},
           Case{"redis://127.0.0.1:1", ErrorKind::unavailable, "can't be reached"},
           Case{"unix:///nowhere.sock", ErrorKind::unavailable, "can't be reached"},
           Case{"unix://" + socket, ErrorKind::misconfigured, "NOAUTH"},
           Case{server.url() + "?db=99", ErrorKind::misconfigured, "DB index is out of range"},
       }) {
    auto const opened = try_open(url);
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().kind, kind) << url << ": " << to_string(opened.error());
    EXPECT_THAT(opened.error().detail, HasSubstr(says)) << url;
    EXPECT_EQ(opened.error().detail.find('\n'), std::string::npos);
  }
}

RewritingProxy::Endpoint endpoint_of(PrivateRedis const& server) {
  return asio::local::stream_protocol::endpoint{server.socket().string()};
}

TEST_F(RedisList, AWrongPasswordIsOneClearLineWithoutThePassword) {
  PrivateRedis const locked{"sesame"};
  RewritingProxy const proxy{endpoint_of(locked)};
  auto const as = [&](std::string const& login) {
    return try_open(fmt::format("redis://{}127.0.0.1:{}/0", login, proxy.port()));
  };
  EXPECT_TRUE(as("default:sesame@"));
  for (auto const& [login, says] : std::map<std::string, std::string>{{"default:guess@", "WRONGPASS"},
                                                                      {":guess@", "WRONGPASS"},
                                                                      {"stranger:guess@", "WRONGPASS"},
                                                                      {"", "NOAUTH"}}) {
    auto const opened = as(login);
    ASSERT_FALSE(opened) << login;
    EXPECT_EQ(opened.error().kind, ErrorKind::misconfigured) << to_string(opened.error());
    EXPECT_THAT(opened.error().detail, HasSubstr(says));
    EXPECT_THAT(opened.error().detail, HasSubstr("127.0.0.1"));
    EXPECT_THAT(opened.error().detail, testing::Not(HasSubstr("guess")));
    EXPECT_EQ(opened.error().detail.find('\n'), std::string::npos);
  }
}

TEST_F(RedisList, ATooOldServerIsRefused) {
  RewritingProxy const proxy{endpoint_of(server), "redis_version:7", "redis_version:6"};
  auto const opened = try_open(fmt::format("redis://127.0.0.1:{}", proxy.port()));
  ASSERT_FALSE(opened);
  EXPECT_GT(proxy.rewritten(), 0U) << "this Redis is not of version 7";
  EXPECT_EQ(opened.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(opened.error().detail, testing::ContainsRegex("Redis 6\\.[0-9.]+ is too old: 7 or newer is needed"));
}

// The wait's connection breaks when Redis has answered it.
TEST_F(RedisList, AResultThatWasPoppedIntoABrokenConnectionIsGoneAndOneThatIsKeptIsNot) {
  RewritingProxy const over_tcp{endpoint_of(server)};
  for (std::string const fetch : {"pop", "keep"}) {
    CuttingProxy cutting{io, over_tcp.port()};
    auto opened = try_open(fmt::format("redis://127.0.0.1:{}", cutting.port()), {{"reply_fetch", fetch}});
    ASSERT_TRUE(opened) << to_string(opened.error());
    Opened here{std::move(*opened)};
    Opened& there = open();
    RunId const run = submit(here);
    here.replies->expect(run, clock.now() + patience);
    ASSERT_TRUE(until([&] {
      return ask({"INFO", "clients"}).front().text.find("blocked_clients:1") != std::string::npos;
    }));
    cutting.cut_at_next_answer();
    work(there);
    ASSERT_TRUE(until([&] { return cutting.has_cut(); }));
    if (fetch == "keep") {
      EXPECT_TRUE(until([&] { return here.heard.contains(run); }));
      EXPECT_TRUE(until([&] { return response_keys() == 0; })) << "and is removed when it has arrived";
    } else {
      EXPECT_TRUE(until([&] { return figure(here, "reply_reconnects") >= 1; }));
      EXPECT_EQ(response_keys(), 0U) << "popped";
      EXPECT_THAT(here.heard, IsEmpty());
    }
    run_coroutine(io, here.replies->close());
    run_coroutine(io, here.store->close());
  }
}

// One connection that commands go over, which the test can cut when Redis has answered: then it has done what was
// asked.
class CutOff : public RedisList {
 protected:
  CutOff() : over_tcp_{endpoint_of(server)}, cutting{io, over_tcp_.port()} {
    auto opened = try_open(fmt::format("redis://127.0.0.1:{}", cutting.port()));
    if (!opened) throw std::runtime_error{to_string(opened.error())};
    one.emplace(std::move(*opened));
  }
  ~CutOff() override {
    run_coroutine(io, one->replies->close());
    run_coroutine(io, one->store->close());
  }

  Result<std::vector<Claim>> claim(std::uint32_t count) {
    std::vector<Demand> demands;
    demands.push_back({TagSet{}, "runner", count});
    return run_coroutine(io, one->store->claim(std::move(demands), seconds{60}));
  }
  bool connected_again() {
    return until([&] { return bool{run_coroutine(io, one->store->depth())}; });
  }

 private:
  RewritingProxy over_tcp_;

 protected:
  CuttingProxy cutting;
  std::optional<Opened> one;
};

TEST_F(CutOff, ACompletionInDoubtThatIsReportedAgainIsCountedOnce) {
  RunId const run = submit(*one);
  auto const claims = claim(1);
  ASSERT_TRUE(claims && claims->size() == 1);
  must(one->store->depth());  // all is answered: the next answer is the completion's
  auto const report = [&] { return run_coroutine(io, one->store->complete({{run, (*claims)[0].token, "done"}})); };
  cutting.cut_at_next_answer();
  auto const doubtful = report();
  ASSERT_FALSE(doubtful);
  EXPECT_EQ(doubtful.error().kind, ErrorKind::in_doubt);
  ASSERT_TRUE(connected_again());
  EXPECT_EQ(must(one->store->depth()).completed, 0U) << "nobody was told that it is";
  EXPECT_THAT(report().value(), testing::ElementsAre(Outcome::ok));
  EXPECT_EQ(must(one->store->depth()).completed, 1U);
  EXPECT_EQ(must(one->store->depth()).total(), 1U);
}

// What a list without leases loses: the runs are in no state any more, and the counts say so.
TEST_F(CutOff, WhatWasPoppedIntoABrokenConnectionIsGoneAndNotCountedAsHeld) {
  for (int i = 0; i < 3; ++i) submit(*one);
  must(one->store->depth());
  cutting.cut_at_next_answer();
  auto const lost = claim(2);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, ErrorKind::in_doubt);
  ASSERT_TRUE(connected_again());
  EXPECT_EQ(must(one->store->depth()).total(), 1U);
  EXPECT_THAT(claim(5).value(), SizeIs(1));
}

TEST(RedisAddress, IsReadAsRedisCliReadsIt) {
  auto const all = redis::parse_address("redis://me:p%40ss@example.org:7000/3").value();
  EXPECT_EQ(all.user, "me");
  EXPECT_EQ(all.password, "p@ss");
  EXPECT_EQ(all.host, "example.org");
  EXPECT_EQ(all.port, 7000);
  EXPECT_EQ(all.database, 3);
  EXPECT_EQ(all.text(), "example.org:7000");
  EXPECT_EQ(redis::parse_address("redis://[::1]").value().text(), "[::1]:6379");
  EXPECT_EQ(redis::parse_address("unix:///a/b.sock?db=2").value().database, 2);
}

}  // namespace
}  // namespace test
}  // namespace assay
