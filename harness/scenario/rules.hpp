// What no single key can get wrong: combinations that can't work. Each rule is skipped when one of its keys has a
// mistake of its own, so that one slip isn't reported twice. To add a rule: a few lines in rules.cpp, and one case in
// rules_test.cpp.
#pragma once

#include "harness/assess/policy.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/scenario/yaml_tree.hpp"

namespace assay {

// `root` is the tree the scenario was read from, with its trials written out.
void check_rules(Scenario const& scenario, Node const& root, Mistakes& mistakes);
void check_rules(Policy const& policy, Node const& root, Mistakes& mistakes);

}  // namespace assay
