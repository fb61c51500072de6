// What every decoder promises: exactly what was encoded, or one clear line about the first thing that is wrong.
#include "reference_coordinator/protocol/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::protocol {
namespace {

using testing::HasSubstr;

RunId const some_id = *parse_run_id("018f2d3a-7b1c-7def-8123-456789abcdef");

template <class T>
std::string why(Result<T> const& result) {
  return result ? "accepted" : result.error().detail;
}

TEST(Submission, TakesDefaultsForWhatIsLeftOut) {
  auto const decoded = decode_submission(R"({"payload":"build it"})");
  ASSERT_TRUE(decoded) << why(decoded);
  EXPECT_FALSE(decoded->id);
  EXPECT_EQ(decoded->payload, "build it");
  EXPECT_EQ(decoded->priority, 0);
  EXPECT_TRUE(decoded->tags.empty());
  EXPECT_FALSE(decoded->max_attempts);
  EXPECT_EQ(decoded->delay, Duration{});
}

TEST(Submission, ReadsEveryField) {
  auto const decoded = decode_submission(
      R"({"id":"018F2D3A-7B1C-7DEF-8123-456789ABCDEF","tags":["linux","arm64","linux"],"priority":-100,)"
      R"("payload":"","max_attempts":1,"delay":"1.5s"})");
  ASSERT_TRUE(decoded) << why(decoded);
  EXPECT_EQ(decoded->id, some_id);
  EXPECT_EQ(decoded->tags.key(), "arm64,linux");
  EXPECT_EQ(decoded->priority, lowest_priority);
  EXPECT_EQ(decoded->max_attempts, 1);
  EXPECT_EQ(decoded->delay, milliseconds{1500});
}

struct Refusal {
  char const* text;
  char const* reason;
};

class SubmissionRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(SubmissionRefusal, NamesThingAndRule) {
  auto const decoded = decode_submission(GetParam().text);
  ASSERT_FALSE(decoded) << GetParam().text;
  EXPECT_EQ(decoded.error().kind, ErrorKind::rejected);
  EXPECT_EQ(decoded.error().detail, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Bad, SubmissionRefusal,
    testing::Values(
        Refusal{"", "not JSON: the text is empty"}, Refusal{"[]", "the body: an object is expected, found an array"},
        Refusal{"null", "the body: an object is expected, found null"},
        Refusal{R"({"priorty":1})", R"("priorty": unknown key, did you mean "priority"?)"},
        Refusal{R"({"zzzzzzzzzzz":1})",
                R"("zzzzzzzzzzz": unknown key, allowed are id, tags, priority, payload, max_attempts, delay)"},
        Refusal{R"({"priority":101})", "priority: an integer from -100 to 100 is expected, found 101"},
        Refusal{R"({"priority":-101})", "priority: an integer from -100 to 100 is expected, found -101"},
        Refusal{R"({"priority":"high"})", "priority: an integer from -100 to 100 is expected, found \"high\""},
        Refusal{R"({"priority":18446744073709551615})",
                "priority: an integer from -100 to 100 is expected, found 18446744073709551615"},
        Refusal{R"({"priority":null})", "priority: an integer from -100 to 100 is expected, found null"},
        Refusal{R"({"id":"42"})", "id: a UUID of 8-4-4-4-12 hexadecimal digits is expected, found \"42\""},
        Refusal{R"({"tags":"linux"})", "tags: an array is expected, found \"linux\""},
        Refusal{R"({"tags":["linux","a b"]})",
                "tags[1]: a tag of 1 to 64 letters, digits, or any of . _ : / - is expected, found \"a b\""},
        Refusal{R"({"tags":[7]})",
                "tags[0]: a tag of 1 to 64 letters, digits, or any of . _ : / - is expected, found 7"},
        Refusal{R"({"max_attempts":0})", "max_attempts: an integer from 1 to 1000 is expected, found 0"},
        Refusal{R"({"delay":5})", "delay: a duration such as \"30s\" of at most 720h is expected, found 5"},
        Refusal{R"({"delay":"721h"})", "delay: a duration such as \"30s\" of at most 720h is expected, found \"721h\""},
        Refusal{R"({"payload":{}})", "payload: a string is expected, found an object"}));

TEST(Submission, SyntaxErrorsTellWhere) {
  EXPECT_THAT(why(decode_submission(R"({"payload":"x"} trailing)")), HasSubstr("not JSON: extra data"));
  EXPECT_THAT(why(decode_submission(R"({"payload":)")), HasSubstr("not JSON: incomplete"));
  EXPECT_THAT(why(decode_submission(R"({"payload":'x'})")), HasSubstr("near byte 11"));
  EXPECT_THAT(why(decode_submission("{\"payload\":\"\xff\"}")), HasSubstr("not JSON:"));
  EXPECT_THAT(why(decode_submission(std::string(100'000, '['))), HasSubstr("not JSON:"));
}

TEST(Submission, PayloadOfTheLimitIsTakenAndOneByteMoreIsNot) {
  Submission submission;
  submission.payload.assign(max_payload_bytes, 'x');
  auto const taken = decode_submission(encode(submission));
  ASSERT_TRUE(taken) << why(taken);
  EXPECT_EQ(taken->payload.size(), max_payload_bytes);
  submission.payload.push_back('x');
  EXPECT_EQ(
      why(decode_submission(encode(submission))),
      fmt::format("payload: a string of at most 262144 bytes is expected, found \"{:x<40}…\" (262145 bytes)", ""));
}

TEST(Submission, MessagesQuoteLongTextWithoutCuttingACharacter) {
  std::string long_text;
  for (int i = 0; i < 30; ++i) long_text += "ä";
  auto const reason = why(decode_submission(fmt::format(R"({{"priority":"x{}"}})", long_text)));
  EXPECT_THAT(reason, HasSubstr("…\" (61 bytes)"));
  auto const echoed = decode_error(encode(Error{ErrorKind::rejected, reason}));
  EXPECT_EQ(echoed.detail, reason) << "not valid UTF-8 any more";
}

TEST(Batch, MistakesAreToldWithTheirPlace) {
  EXPECT_EQ(why(decode_submission_batch(R"({"runs":[{},{"priority":"x"}]})")),
            "runs[1].priority: an integer from -100 to 100 is expected, found \"x\"");
  EXPECT_EQ(why(decode_submission_batch(R"({"runs":[7]})")), "runs[0]: an object is expected, found 7");
  EXPECT_EQ(why(decode_submission_batch(R"({"run":[]})")), R"("run": unknown key, did you mean "runs"?)");
  EXPECT_EQ(why(decode_submission_batch("{}")), "runs: missing");
}

TEST(Batch, HoldsAThousandAndNotOneMore) {
  std::vector<Submission> batch(max_batch);
  EXPECT_TRUE(decode_submission_batch(encode(batch)));
  batch.emplace_back();
  EXPECT_EQ(why(decode_submission_batch(encode(batch))), "runs: at most 1000 items are allowed, found 1001");
}

TEST(StatusReport, NeedsTokenAndStatus) {
  EXPECT_EQ(why(decode_status_report(R"({"status":"completed"})")), "token: missing");
  EXPECT_EQ(why(decode_status_report(R"({"token":"1.2"})")), "status: missing");
  EXPECT_EQ(why(decode_status_report(R"({"token":"1.2","status":"done"})")),
            "status: one of completed, failed is expected, found \"done\"");
  EXPECT_EQ(why(decode_status_report(R"({"token":"1","status":"failed"})")),
            "token: a claim token as the assignment gave it is expected, found \"1\"");
  EXPECT_EQ(why(decode_status_report(R"({"token":17,"status":"failed"})")),
            "token: a claim token as the assignment gave it is expected, found 17");
}

TEST(Outcomes, AllSurviveWithAndWithoutADetail) {
  for (auto const outcome : {Outcome::ok, Outcome::already_done, Outcome::stale_token, Outcome::unknown_run,
                             Outcome::rejected, Outcome::unavailable, Outcome::in_doubt}) {
    EXPECT_EQ(decode_outcome(encode_outcome(outcome)).value(), outcome);
    EXPECT_EQ(decode_outcome(encode_outcome(outcome, "why \"so\"\n")).value(), outcome);
  }
}

TEST(Errors, AllKindsSurvive) {
  for (auto const kind : {ErrorKind::unavailable, ErrorKind::timed_out, ErrorKind::in_doubt, ErrorKind::rejected,
                          ErrorKind::misconfigured, ErrorKind::broken_protocol}) {
    auto const told = decode_error(encode(Error{kind, "the \"thing\""}));
    EXPECT_EQ(told.kind, kind);
    EXPECT_EQ(told.detail, "the \"thing\"");
  }
}

TEST(Errors, WhatIsNoErrorIsABrokenProtocol) {
  for (auto const* text : {"", "{}", "[]", R"({"error":1})", R"({"error":{"kind":"odd","detail":""}})", "<html>"}) {
    EXPECT_EQ(decode_error(text).kind, ErrorKind::broken_protocol) << text;
  }
}

TEST(Wire, IsWhatTheHeaderSays) {
  AssignedRun run;
  run.run = some_id;
  run.token = {3, 14};
  run.lease = seconds{60};
  run.tags = TagSet{{"linux"}};
  run.payload = std::string{"a\0b\"\\\n", 6};
  EXPECT_EQ(encode(std::vector{run}),
            R"({"runs":[{"run":"018f2d3a-7b1c-7def-8123-456789abcdef","attempt":1,"token":"3.14","lease":"1m",)"
            R"("tags":["linux"],"priority":0,"payload":"a\u0000b\"\\\n"}]})");
  EXPECT_EQ(encode(std::vector<AssignedRun>{}), R"({"runs":[]})");
  EXPECT_EQ(encode(SubmissionAnswer{some_id, Outcome::already_done}),
            R"({"id":"018f2d3a-7b1c-7def-8123-456789abcdef","outcome":"already_done"})");
  EXPECT_EQ(encode(Error{ErrorKind::in_doubt, "cut off"}), R"({"error":{"kind":"in_doubt","detail":"cut off"}})");
  EXPECT_EQ(encode(StatusReport{{1, 2}, StatusReport::Status::failed, "oom"}),
            R"({"token":"1.2","status":"failed","result":"oom"})");
  EXPECT_EQ(encode_start({1, 2}), R"({"token":"1.2"})");
}

}  // namespace
}  // namespace assay::protocol
