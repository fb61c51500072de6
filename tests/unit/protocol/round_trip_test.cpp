// Random messages survive encode → decode, and mutated texts are refused or accepted but never crash a decoder.
// A failure prints the seed; ASSAY_TEST_SEED=<seed> replays it.
#include "harness/base/random.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace assay::protocol {
namespace {

constexpr int rounds = 500;

std::uint64_t test_seed() {
  char const* const given = std::getenv("ASSAY_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : random_seed();
}

class RoundTrip : public testing::Test {
 protected:
  std::uint64_t const seed_ = test_seed();
  Random random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "ASSAY_TEST_SEED=" + std::to_string(seed_)};

  int between(int lowest, int highest) {
    return lowest + static_cast<int>(random_.below(static_cast<std::uint64_t>(highest - lowest) + 1));
  }

  RunId id() { return make_run_id(random_() >> 16, random_); }
  ClaimToken token() { return {random_() >> random_.below(64), random_() >> random_.below(64)}; }
  Duration duration() { return Duration{random_.below(1'000'000'000'000) * (random_.below(2) == 0 ? 1 : 1'000)}; }

  // Valid UTF-8 with everything JSON has to escape, and characters of two, three and four bytes.
  std::string text(std::size_t most) {
    static constexpr std::array<std::string_view, 12> pieces{
        {"a", "\"", "\\", "/", "\n", "\t", {"\0", 1}, "\x1f", "\x7f", "é", "€", "𝄞"}};
    std::string result;
    for (auto n = random_.below(most + 1); n > 0; --n) result += pieces[random_.below(pieces.size())];
    return result;
  }

  TagSet tags() {
    std::vector<std::string> names;
    for (auto n = random_.below(6); n > 0; --n) {
      names.push_back("tag:" + std::string(random_.below(61), 'x'));
    }
    return TagSet{std::move(names)};
  }

  Submission submission() {
    Submission s;
    if (random_.below(2) == 0) s.id = id();
    s.tags = tags();
    s.priority = between(lowest_priority, highest_priority);
    s.payload = text(200);
    if (random_.below(2) == 0) s.max_attempts = between(1, 1000);
    s.delay = duration();
    return s;
  }

  AssignedRun assigned() {
    return {id(), between(1, 1000), token(), duration(), tags(), between(lowest_priority, highest_priority), text(200)};
  }
};

void expect_equal(Submission const& a, Submission const& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.tags, b.tags);
  EXPECT_EQ(a.priority, b.priority);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(a.max_attempts, b.max_attempts);
  EXPECT_EQ(a.delay, b.delay);
}

TEST_F(RoundTrip, Submissions) {
  for (int i = 0; i < rounds; ++i) {
    auto const original = submission();
    auto const decoded = decode_submission(encode(original));
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    expect_equal(original, *decoded);
  }
}

TEST_F(RoundTrip, SubmissionBatchesAndTheirAnswers) {
  std::vector<Submission> batch;
  std::vector<SubmissionAnswer> answers;
  for (int i = 0; i < 50; ++i) {
    batch.push_back(submission());
    answers.push_back({id(), i % 2 == 0 ? Outcome::ok : Outcome::already_done});
  }
  auto const decoded = decode_submission_batch(encode(batch));
  ASSERT_TRUE(decoded) << to_string(decoded.error());
  ASSERT_EQ(decoded->size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) expect_equal(batch[i], (*decoded)[i]);
  auto const told = decode_submission_answers(encode(answers));
  ASSERT_TRUE(told) << to_string(told.error());
  ASSERT_EQ(told->size(), answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].id, (*told)[i].id);
    EXPECT_EQ(answers[i].outcome, (*told)[i].outcome);
    EXPECT_EQ(decode_submission_answer(encode(answers[i]))->id, answers[i].id);
  }
}

TEST_F(RoundTrip, Assignments) {
  for (int i = 0; i < rounds; ++i) {
    std::vector<AssignedRun> runs;
    for (auto n = random_.below(4); n > 0; --n) runs.push_back(assigned());
    auto const decoded = decode_assigned_runs(encode(runs));
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    ASSERT_EQ(decoded->size(), runs.size());
    for (std::size_t k = 0; k < runs.size(); ++k) {
      auto const& [run, attempt, token, lease, tags, priority, payload] = (*decoded)[k];
      EXPECT_EQ(run, runs[k].run);
      EXPECT_EQ(attempt, runs[k].attempt);
      EXPECT_EQ(token, runs[k].token);
      EXPECT_EQ(lease, runs[k].lease);
      EXPECT_EQ(tags, runs[k].tags);
      EXPECT_EQ(priority, runs[k].priority);
      EXPECT_EQ(payload, runs[k].payload);
    }
  }
}

TEST_F(RoundTrip, StatusReportsStartsAndHeartbeats) {
  for (int i = 0; i < rounds; ++i) {
    StatusReport const report{
        token(), random_.below(2) == 0 ? StatusReport::Status::completed : StatusReport::Status::failed, text(100)};
    auto const decoded = decode_status_report(encode(report));
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    EXPECT_EQ(decoded->token, report.token);
    EXPECT_EQ(decoded->status, report.status);
    EXPECT_EQ(decoded->result, report.result);
    EXPECT_EQ(decode_start(encode_start(report.token)).value(), report.token);

    Heartbeat beat;
    HeartbeatAnswer answer;
    for (auto n = random_.below(5); n > 0; --n) {
      beat.claims.push_back({id(), token()});
      answer.claims.push_back({beat.claims.back().run, Outcome::stale_token});
    }
    auto const beats = decode_heartbeat(encode(beat));
    ASSERT_TRUE(beats) << to_string(beats.error());
    auto const renewals = decode_heartbeat_answer(encode(answer));
    ASSERT_TRUE(renewals) << to_string(renewals.error());
    ASSERT_EQ(beats->claims.size(), beat.claims.size());
    ASSERT_EQ(renewals->claims.size(), beat.claims.size());
    for (std::size_t k = 0; k < beat.claims.size(); ++k) {
      EXPECT_EQ(beats->claims[k].run, beat.claims[k].run);
      EXPECT_EQ(beats->claims[k].token, beat.claims[k].token);
      EXPECT_EQ(renewals->claims[k].run, answer.claims[k].run);
      EXPECT_EQ(renewals->claims[k].outcome, Outcome::stale_token);
    }
  }
}

TEST_F(RoundTrip, Views) {
  for (auto const state :
       {RunState::delayed, RunState::ready, RunState::claimed, RunState::completed, RunState::dead}) {
    RunView const view{id(), state, tags(), between(-100, 100), between(0, 1000), text(20), text(100)};
    auto const decoded = decode_run_view(encode(view));
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    EXPECT_EQ(decoded->id, view.id);
    EXPECT_EQ(decoded->state, view.state);
    EXPECT_EQ(decoded->required, view.required);
    EXPECT_EQ(decoded->priority, view.priority);
    EXPECT_EQ(decoded->attempts, view.attempts);
    EXPECT_EQ(decoded->runner, view.runner);
    EXPECT_EQ(decoded->result, view.result);
  }
}

// Flips, cuts, doubles and swaps bytes. What a decoder accepts it must also be able to write and to read again.
TEST_F(RoundTrip, MutatedTextsAreJudgedAndNeverCrash) {
  constexpr std::string_view structural = "{}[],:\"\\0-.eE+tfn \x01\x80\xff";
  for (int i = 0; i < rounds * 20; ++i) {
    std::string const other = encode(StatusReport{token(), {}, text(10)});
    std::string text = i % 3 == 0 ? encode(submission()) : i % 3 == 1 ? encode(std::vector{assigned()}) : other;
    for (auto n = random_.below(4) + 1; n > 0 && !text.empty(); --n) {
      auto const at = random_.below(text.size());
      switch (random_.below(5)) {
        case 0: text[at] = static_cast<char>(random_.below(256)); break;
        case 1: text[at] = structural[random_.below(structural.size())]; break;
        case 2: text.erase(at, random_.below(8) + 1); break;
        case 3: text.insert(at, text.substr(at, random_.below(20))); break;
        default: text.resize(at);
      }
    }
    static_cast<void>(decode_heartbeat(text));
    static_cast<void>(decode_run_view(text));
    static_cast<void>(decode_submission_batch(text));
    static_cast<void>(decode_outcome(text));
    static_cast<void>(decode_error(text));
    if (auto const accepted = decode_submission(text)) {
      EXPECT_TRUE(decode_submission(encode(*accepted))) << text;
    } else {
      EXPECT_FALSE(accepted.error().detail.empty());
      EXPECT_EQ(accepted.error().detail.find('\n'), std::string::npos) << accepted.error().detail;
    }
    if (auto const accepted = decode_assigned_runs(text)) {
      EXPECT_TRUE(decode_assigned_runs(encode(*accepted))) << text;
    }
    if (auto const accepted = decode_status_report(text)) {
      EXPECT_TRUE(decode_status_report(encode(*accepted))) << text;
    }
  }
}

}  // namespace
}  // namespace assay::protocol
