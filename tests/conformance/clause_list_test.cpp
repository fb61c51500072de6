// The list in docs/contract.md against this suite: every clause has a test, and every test's clause is in the list.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>

namespace assay::test {
namespace {

// "c30_c31_killed_while_claiming" → 30, 31.
void add_clauses_of(std::string name, std::set<int>& clauses) {
  std::regex const number{"^c([0-9]{2})_"};
  for (std::smatch match; std::regex_search(name, match, number); name = match.suffix())
    clauses.insert(std::stoi(match[1]));
}

std::set<int> tested() {
  std::set<int> clauses;
  auto const& all = *testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    auto const& suite = *all.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) add_clauses_of(suite.GetTestInfo(t)->name(), clauses);
  }
  return clauses;
}

// The first column of the table: "| 7 |", "| 30, 31 |", "| 32–34 |".
std::set<int> listed() {
  std::ifstream in{ASSAY_CONTRACT};
  std::set<int> clauses;
  std::regex const row{"^\\| ([0-9]+)(?:(, |–)([0-9]+))? \\|.*"};
  std::smatch match;
  for (std::string line; std::getline(in, line);) {
    if (!std::regex_match(line, match, row)) continue;
    int const first = std::stoi(match[1]);
    int const last = match[3].matched ? std::stoi(match[3]) : first;
    for (int clause = first; clause <= last; ++clause) clauses.insert(clause);
  }
  return clauses;
}

TEST(contract, every_clause_of_the_list_has_a_test) {
  auto const in_the_list = listed();
  for (int clause = 1; clause <= 50; ++clause) EXPECT_TRUE(in_the_list.contains(clause)) << "clause " << clause;
  EXPECT_EQ(tested(), in_the_list);
}

}  // namespace
}  // namespace assay::test
