// JSON text for people and for exact numbers. Boost.JSON 1.81 writes everything on one line and reads doubles to within
// a few units in the last place; a results folder is read by people, and what it says must be what was measured. So:
// indented output, and numbers that come back bit for bit. JSON has no infinities and no NaN: those are the strings
// "inf", "-inf" and "nan".
#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>

namespace assay {

// Indented by two blanks; whatever fits on one line of 120 characters stays on one. Ends with a line feed.
std::string to_text(boost::json::value const& value);

// Throws std::runtime_error with what is wrong and where ("line 3: syntax error").
boost::json::value parse_exact(std::string_view text);

boost::json::value number(double value);

}  // namespace assay
