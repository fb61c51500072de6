// A scenario written out: what scenario.resolved.yaml and reports show. Every default is filled in, every trial is its
// own entry, and it parses back to an equal Scenario.
#pragma once

#include "harness/scenario/scenario.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace assay {

boost::json::object to_json(Scenario const& scenario);
std::string to_yaml(Scenario const& scenario);

}  // namespace assay
