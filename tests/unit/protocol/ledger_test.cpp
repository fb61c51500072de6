// The ledger's lines arrive whole and in order, and only when flushed.
#include "reference_coordinator/protocol/ledger.hpp"
#include "harness/base/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace assay::protocol {
namespace {

constexpr char header[] = "time_ns,event,run,attempt,token,who,asked_ns,claimed_ns\n";

class LedgerFile : public testing::Test {
 protected:
  LedgerFile() {
    std::string name = (std::filesystem::temp_directory_path() / "assay-ledger-test-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "ledger.csv";
  }
  ~LedgerFile() override { std::filesystem::remove_all(folder_); }

  std::string content() const {
    std::ifstream in{file_};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  RunId const run_ = *parse_run_id("018f2d3a-7b1c-7def-8123-456789abcdef");
  std::filesystem::path folder_, file_;
};

TEST_F(LedgerFile, HoldsOneLinePerEvent) {
  Ledger ledger{file_};
  ledger.append(TimePoint{Duration{17}}, "submitted", run_, 0, std::nullopt, "submitter-1");
  ledger.append(TimePoint{Duration{18}}, "delivered", run_, 2, ClaimToken{3, 4}, "runner-1",
                ClaimTimes{TimePoint{Duration{15}}, TimePoint{Duration{16}}});
  EXPECT_EQ(content(), header);
  EXPECT_TRUE(ledger.flush());
  EXPECT_EQ(content(), std::string{header} +
                           "17,submitted,018f2d3a-7b1c-7def-8123-456789abcdef,,,submitter-1,,\n"
                           "18,delivered,018f2d3a-7b1c-7def-8123-456789abcdef,2,3.4,runner-1,15,16\n");
}

TEST_F(LedgerFile, IsFlushedWhenItEnds) {
  {
    Ledger ledger{file_};
    Ledger moved{std::move(ledger)};
    moved.append(TimePoint{}, "submitted", run_, 0, std::nullopt, "");
  }
  EXPECT_EQ(content(), std::string{header} + "0,submitted,018f2d3a-7b1c-7def-8123-456789abcdef,,,,,\n");
}

TEST_F(LedgerFile, StartsAnew) {
  { Ledger{file_}.append(TimePoint{}, "submitted", run_, 0, std::nullopt, ""); }
  { Ledger const again{file_}; }
  EXPECT_EQ(content(), header);
}

TEST_F(LedgerFile, WithoutAFileNothingHappens) {
  Ledger none;
  none.append(TimePoint{}, "submitted", run_, 0, std::nullopt, "");
  EXPECT_FALSE(none.open());
  EXPECT_TRUE(none.flush());
}

TEST_F(LedgerFile, TellsWhenItCannotBeWritten) { EXPECT_THROW(Ledger{folder_ / "missing" / "ledger.csv"}, Failure); }

TEST_F(LedgerFile, KeepsWhatADiskWithoutSpaceDoesNotTake) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  Ledger ledger{"/dev/full"};
  EXPECT_FALSE(ledger.flush());
}

}  // namespace
}  // namespace assay::protocol
