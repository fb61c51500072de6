// What the description of the keys (describe.hpp) is good for besides reading: the JSON Schema that editors use, and
// the reference page. scenarios/scenario.schema.json, scenarios/policies/policy.schema.json and docs/scenarios.md are
// written from here, and a test fails when they aren't current (ASSAY_UPDATE_GOLDEN=1 rewrites them).
#pragma once

#include <boost/json/value.hpp>

#include <string>

namespace assay {

std::string scenario_schema();  // draft 2020-12, pretty-printed, keys in the order of the description
std::string policy_schema();
std::string scenario_reference();  // Markdown

// Two blanks per level, and numbers in their shortest form.
std::string pretty_json(boost::json::value const& value);

}  // namespace assay
