// Where everything private is made, and what is said when nothing can be made there.
#include "harness/base/error.hpp"
#include "harness/services/private_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>

namespace assay {
namespace {

using testing::HasSubstr;

class TemporaryFolder : public testing::Test {
 protected:
  TemporaryFolder() {
    if (char const* const named = std::getenv("TMPDIR")) before_ = named;
  }
  ~TemporaryFolder() override { before_ ? setenv("TMPDIR", before_->c_str(), 1) : unsetenv("TMPDIR"); }

  static void expect_refused(std::filesystem::path const& named, std::string const& because) {
    setenv("TMPDIR", named.c_str(), 1);
    try {
      ADD_FAILURE() << temporary_folder() << " was taken";
    } catch (Failure const& failure) {
      EXPECT_EQ(failure.status(), ExitStatus::bad_input);
      EXPECT_THAT(failure.what(), HasSubstr(named.string() + "': " + because));
    }
  }

  PrivateFolder place_{std::filesystem::temp_directory_path(), "assay-test-"};

 private:
  std::optional<std::string> before_;
};

TEST_F(TemporaryFolder, IsTheOneThatTmpdirNamesAndStaysEmpty) {
  auto const mine = place_.path() / "mine";
  std::filesystem::create_directory(mine);
  setenv("TMPDIR", mine.c_str(), 1);
  EXPECT_EQ(temporary_folder(), mine);
  EXPECT_TRUE(std::filesystem::is_empty(mine)) << "the look at it left something there";
  setenv("TMPDIR", "", 1);
  EXPECT_EQ(temporary_folder(), "/tmp");
}

TEST_F(TemporaryFolder, ThatIsMissingNoFolderOrForbiddenIsNamed) {
  std::ofstream{place_.path() / "diary"} << "dear diary";
  expect_refused(place_.path() / "missing", "No such file or directory");
  expect_refused(place_.path() / "diary", "Not a directory");
  expect_refused("/proc/1", "");  // where nobody may make anything
}

}  // namespace
}  // namespace assay
