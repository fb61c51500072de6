#include "harness/record/summary.hpp"

#include "harness/base/error.hpp"
#include "harness/record/json_values.hpp"

#include <stdexcept>

namespace assay {
namespace {

namespace json = boost::json;

constexpr std::string_view version_key = "schema_version";

Assessment from_document(json::value document) {
  JsonPlace const top{};
  if (!document.is_object()) top.wrong("not an object");
  auto& object = document.get_object();
  auto const* found = object.if_contains(version_key);
  if (!found) top.wrong("no schema_version: not written by assay");
  auto const version = from_json<int>(*found, {&top, version_key});
  if (version != Assessment::schema_version)
    top.wrong(fmt::format("schema version {}; this assay reads version {}: use the assay that wrote it", version,
                          Assessment::schema_version));
  object.erase(version_key);
  return from_json<Assessment>(document, top);
}

}  // namespace

std::string summary_text(Assessment const& assessment) {
  json::object document;
  document[version_key] = Assessment::schema_version;
  auto const body = to_json(assessment);
  for (auto const& [key, value] : body.get_object()) document[key] = value;
  return to_text(document);
}

Assessment parse_summary(std::string_view text, std::string const& name) {
  try {
    return from_document(parse_exact(text));
  } catch (std::runtime_error const& error) {
    throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", name, error.what())};
  }
}

}  // namespace assay
