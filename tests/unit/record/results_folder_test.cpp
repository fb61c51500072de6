#include "harness/record/results_folder.hpp"

#include "harness/base/error.hpp"
#include "harness/record/files.hpp"
#include "tests/unit/record/random_assessment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

namespace assay {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class results_folder : public testing::Test {
 protected:
  results_folder() {
    std::string name = (fs::temp_directory_path() / "assay-results-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~results_folder() override { fs::remove_all(root_); }

  ResultsFolder make() const { return ResultsFolder::create(root_, "pr-007", now_); }
  // Ids and phases are plain words in the program; random ones would not be.
  static Assessment an_assessment(std::uint64_t seed) {
    Random random{seed};
    auto assessment = random_assessment(random);
    assessment.trials.resize(2);
    for (std::size_t i = 0; i < 2; ++i) {
      assessment.trials[i].id = fmt::format("r0500-memory-{}", i + 1);
      assessment.trials[i].timeline = RandomValue<std::vector<TimelinePoint>>::make(random);
      for (auto& point : assessment.trials[i].timeline) {
        point.phase = "measure";
        point.fault = "restart of runners";
      }
    }
    return assessment;
  }
  ResultsFolder finished() const {
    auto folder = make();
    folder.write_assessment(an_assessment(1));
    folder.finish();
    return folder;
  }
  static std::string refusal(fs::path const& folder) {
    try {
      read_assessment(folder);
    } catch (Failure const& failure) {
      EXPECT_EQ(failure.status(), ExitStatus::bad_input);
      return failure.what();
    }
    return "accepted";
  }
  static void put(fs::path const& file, std::string const& text) { std::ofstream{file} << text; }

  fs::path root_;
  ResultsFolder::WallTime const now_ = std::chrono::system_clock::from_time_t(1795229100);  // 2026-11-21 02:45:00 UTC
};

TEST_F(results_folder, gives_back_the_assessment_with_its_timelines) {
  auto const seed = random_seed();
  auto const written = an_assessment(seed);
  auto const folder = make();
  folder.write_assessment(written);
  folder.finish();
  EXPECT_TRUE(same(read_assessment(folder.path()), written)) << "seed " << seed;
  EXPECT_THAT(differences_from_manifest(folder.path()), IsEmpty());
}

TEST_F(results_folder, is_never_the_same_twice_and_latest_is_the_newest_finished) {
  auto const first = make();
  EXPECT_THAT(first.path().filename().string(), testing::MatchesRegex("20261121T024500Z-[0-9a-f]{4}"));
  auto const second = ResultsFolder::create(root_, "pr-007", now_ + std::chrono::seconds{1});
  EXPECT_NE(first.path(), second.path());
  auto const latest = root_ / "pr-007" / "latest";
  EXPECT_FALSE(fs::exists(latest));
  second.finish();
  EXPECT_TRUE(fs::equivalent(latest, second.path()));
  first.finish();
  EXPECT_TRUE(fs::equivalent(latest, second.path())) << "rendering an old folder again must not turn the link back";
}

TEST_F(results_folder, can_be_read_through_the_link_and_after_being_moved) {
  auto const folder = finished();
  EXPECT_NO_THROW(read_assessment(root_ / "pr-007" / "latest"));
  fs::rename(folder.path(), root_ / "elsewhere");
  EXPECT_NO_THROW(read_assessment(root_ / "elsewhere"));
}

TEST_F(results_folder, keeps_histograms_with_their_tags) {
  Histogram histogram;
  histogram.record(5'000'000, 17);
  histogram.record(-1);
  std::vector<HistogramLogEntry> entries(2);
  entries[0] = {.tag = "claim_latency", .start = seconds{1}, .length = seconds{40}, .histogram = histogram};
  entries[1] = {.tag = "submit_latency", .start = seconds{1}, .length = seconds{40}, .histogram = Histogram{}};
  auto const folder = make();
  folder.write_histograms("r0500-memory-1", now_, entries);
  folder.finish();
  auto const log = read_histograms(folder.path(), "r0500-memory-1");
  ASSERT_EQ(log.entries.size(), 2U);
  EXPECT_EQ(log.entries[0].tag, "claim_latency");
  EXPECT_EQ(log.entries[0].histogram.in_range(), 17);
  EXPECT_EQ(log.entries[0].histogram.max(), histogram.max());
  EXPECT_THAT(read_whole(folder.path() / "r0500-memory-1.hlog"), HasSubstr("1 values below the range and 0 above"));
}

TEST_F(results_folder, keeps_the_ledger_of_both_sides) {
  auto const seed = random_seed();
  Random random{seed};
  std::vector<RunEvent> events(1000);
  for (auto& event : events) {
    event.time = TimePoint{Duration{static_cast<std::int64_t>(random() >> 2)}};
    event.since = TimePoint{Duration{static_cast<std::int64_t>(random() >> 2)}};
    event.kind = static_cast<RunEvent::Kind>(random.below(10));
    event.run = make_run_id(random.below(1'000'000), random);
    event.actor = static_cast<std::uint32_t>(random.below(500));
    event.run_class = static_cast<std::uint32_t>(random.below(3));
    event.attempt = static_cast<std::int32_t>(random.below(4));
    if (random.below(2)) event.token = {random.below(9) + 1, random()};
  }
  auto const folder = make();
  folder.write_run_events("t1", events);
  folder.write_ledger("t1", "coordinator", "time_ns,event,run,attempt,token,who\n");
  folder.finish();
  auto const read = read_run_events(folder.path(), "t1");
  ASSERT_EQ(read.size(), events.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    auto const &a = read[i], &b = events[i];
    ASSERT_TRUE(a.time == b.time && a.kind == b.kind && a.run == b.run && a.actor == b.actor &&
                a.run_class == b.run_class && a.attempt == b.attempt && a.token == b.token && a.since == b.since)
        << "event " << i << " seed " << seed;
  }
  EXPECT_EQ(read_ledger(folder.path(), "t1", "coordinator"), "time_ns,event,run,attempt,token,who\n");
}

TEST_F(results_folder, names_the_file_and_what_is_wrong_with_it) {
  EXPECT_THAT(refusal(root_), HasSubstr("not a results folder"));
  {
    auto const folder = finished();
    fs::remove(folder.path() / "summary.json");
    EXPECT_THAT(refusal(folder.path()), HasSubstr("summary.json: missing"));
  }
  {
    auto const folder = finished();
    auto const text = read_whole(folder.path() / "timeline.csv");
    put(folder.path() / "timeline.csv", text.substr(0, text.size() / 2));
    EXPECT_THAT(refusal(folder.path()), HasSubstr("timeline.csv: "));
    EXPECT_THAT(differences_from_manifest(folder.path()), ElementsAre(HasSubstr("cut off or changed")));
  }
  {
    auto const folder = finished();
    auto text = read_whole(folder.path() / "summary.json");
    text[text.size() / 2] ^= 1;
    put(folder.path() / "summary.json", text);
    EXPECT_THAT(refusal(folder.path()), HasSubstr("summary.json: changed since it was written"));
  }
  {
    auto const folder = finished();
    put(folder.path() / "manifest.json", R"({"schema_version": 7})");
    EXPECT_THAT(refusal(folder.path()), HasSubstr("manifest.json: schema version 7; this assay reads version 1"));
    put(folder.path() / "manifest.json", "{");
    EXPECT_THAT(refusal(folder.path()), HasSubstr("manifest.json: line 1: "));
  }
}

TEST_F(results_folder, says_why_it_cannot_be_made) {
  put(root_ / "a-file", "");
  try {
    ResultsFolder::create(root_ / "a-file", "pr-007", now_);
    FAIL();
  } catch (Failure const& failure) {
    EXPECT_EQ(failure.status(), ExitStatus::bad_input);
    EXPECT_THAT(failure.what(), HasSubstr("a-file/pr-007: Not a directory"));
  }
}

TEST_F(results_folder, refuses_names_that_lead_out_of_it) {
  auto const folder = make();
  for (auto const* name : {"", "../x", "/tmp/x", "a/../../x", "charts/"})
    EXPECT_THROW(folder.write(name, ""), std::invalid_argument) << name;
  folder.write("charts/a.svg", "<svg/>");
  EXPECT_EQ(read_whole(folder.path() / "charts/a.svg"), "<svg/>");
}

// A limit on file size fails a write half way, as a full disk does.
TEST_F(results_folder, that_does_not_fit_is_an_error_and_leaves_the_old_file_whole) {
  auto const folder = make();
  folder.write("summary.json", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit const small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    folder.write("summary.json", std::string(100'000, 'x'));
  } catch (Failure const& failure) {
    message = failure.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, HasSubstr("summary.json: File too large"));
  EXPECT_EQ(read_whole(folder.path() / "summary.json"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator{folder.path()}, fs::directory_iterator{}), 1) << "no draft is left";
}

TEST(gzip, comes_back_and_refuses_damage) {
  std::string text;
  Random random{3};
  for (int i = 0; i < 300'000; ++i) text += static_cast<char>(random.below(256));
  auto const packed = gzip(text);
  EXPECT_EQ(gunzip(packed), text);
  EXPECT_EQ(gunzip(gzip("")), "");
  EXPECT_THROW(gunzip(packed.substr(0, packed.size() / 2)), std::runtime_error);
  EXPECT_THROW(gunzip("not gzip"), std::runtime_error);
  EXPECT_THROW(gunzip(packed + "x"), std::runtime_error);
}

TEST(sha256, is_the_published_one) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace assay
