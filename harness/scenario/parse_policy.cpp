#include "harness/scenario/parse_policy.hpp"

#include "harness/scenario/describe_policy.hpp"
#include "harness/scenario/input_file.hpp"
#include "harness/scenario/reader.hpp"
#include "harness/scenario/rules.hpp"

namespace assay {

namespace {

PolicyResult parse(Mistakes mistakes) {
  auto root = parse_yaml(std::string{mistakes.text}, mistakes);
  Policy policy;
  if (root) {
    Reader reader{*root, "", mistakes, {}};
    describe(reader, policy);
    reader.finish();
    check_rules(policy, *root, mistakes);
  }
  if (mistakes.list.empty()) return policy;
  mistakes.sort();
  return mistakes;
}

}  // namespace

PolicyResult parse_policy(std::string_view text, std::string const& file) {
  return parse({.file = file, .text = std::string{text}, .list = {}});
}

PolicyResult load_policy(std::filesystem::path const& path) {
  Mistakes mistakes{.file = path.string(), .text = {}, .list = {}};
  auto text = read_input_file(path, mistakes);
  if (!text) return mistakes;
  mistakes.text = std::move(*text);
  return parse(std::move(mistakes));
}

}  // namespace assay
