// The wire contract's hot messages: what one submission and one assignment cost to write and to read.
#include "harness/base/random.hpp"
#include "reference_coordinator/protocol/protocol.hpp"

#include <benchmark/benchmark.h>

namespace assay::protocol {
namespace {

Submission sample_submission() {
  Random random{1};
  Submission submission;
  submission.id = make_run_id(1'700'000'000'000, random);
  submission.tags = TagSet{{"linux", "arm64"}};
  submission.priority = 5;
  submission.payload = R"({"repository":"example","commit":"0123456789abcdef","command":"make test"})";
  return submission;
}

std::vector<AssignedRun> sample_assignment() {
  auto const submission = sample_submission();
  return {{*submission.id, 1, {17, 123'456}, seconds{60}, submission.tags, 5, submission.payload}};
}

void encode_a_submission(benchmark::State& state) {
  auto const submission = sample_submission();
  for (auto _ : state) benchmark::DoNotOptimize(encode(submission));
}
BENCHMARK(encode_a_submission);

void decode_a_submission(benchmark::State& state) {
  auto const text = encode(sample_submission());
  for (auto _ : state) benchmark::DoNotOptimize(decode_submission(text));
}
BENCHMARK(decode_a_submission);

void encode_an_assignment(benchmark::State& state) {
  auto const runs = sample_assignment();
  for (auto _ : state) benchmark::DoNotOptimize(encode(runs));
}
BENCHMARK(encode_an_assignment);

void decode_an_assignment(benchmark::State& state) {
  auto const text = encode(sample_assignment());
  for (auto _ : state) benchmark::DoNotOptimize(decode_assigned_runs(text));
}
BENCHMARK(decode_an_assignment);

void decode_a_status_report(benchmark::State& state) {
  auto const text = encode(StatusReport{{17, 123'456}, StatusReport::Status::completed, "passed"});
  for (auto _ : state) benchmark::DoNotOptimize(decode_status_report(text));
}
BENCHMARK(decode_a_status_report);

void encode_an_empty_answer(benchmark::State& state) {
  std::vector<AssignedRun> const nothing;
  for (auto _ : state) benchmark::DoNotOptimize(encode(nothing));
}
BENCHMARK(encode_an_empty_answer);

}  // namespace
}  // namespace assay::protocol
