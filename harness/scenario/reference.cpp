// docs/scenarios.md, read off the JSON Schema: what an editor is told and what a reader is told can't differ.
#include "harness/assess/figure_names.hpp"
#include "harness/scenario/schema.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace assay {

namespace json = boost::json;

namespace {

std::string_view text_of(json::object const& object, std::string_view key) {
  auto const* value = object.if_contains(key);
  return value ? std::string_view{value->as_string()} : std::string_view{};
}

std::string type_in_words(json::object const& schema);

std::string type_in_words(json::object const& schema) {
  if (auto const* choices = schema.if_contains("oneOf")) {
    return type_in_words(choices->as_array()[0].as_object()) + ", or a list of them";
  }
  if (auto const* names = schema.if_contains("enum")) {
    std::string words;
    for (auto const& name : names->as_array())
      words += fmt::format("{}`{}`", words.empty() ? "" : ", ", std::string_view{name.as_string()});
    return words;
  }
  if (auto const reference = text_of(schema, "$ref"); !reference.empty()) {
    return std::string{reference.substr(reference.rfind('/') + 1)};
  }
  auto const type = text_of(schema, "type");
  if (type == "integer") return "whole number";
  if (type == "string") return "text";
  if (type == "boolean") return "`true`, `false`";
  if (type == "array") {
    auto const& items = schema.at("items").as_object();
    return items.contains("properties") ? "list of maps, see below" : "list: " + type_in_words(items);
  }
  if (type == "object") return schema.contains("properties") ? "map, see below" : "map";
  return std::string{type};
}

std::string range_in_words(json::object const& schema) {
  if (auto const range = text_of(schema, "x-range"); !range.empty()) return std::string{range};
  for (auto const* inner : {schema.if_contains("items"), schema.if_contains("additionalProperties")}) {
    if (inner && inner->is_object()) return range_in_words(inner->as_object());
  }
  if (auto const* choices = schema.if_contains("oneOf")) return range_in_words(choices->as_array()[0].as_object());
  return "";
}

bool lists(json::object const& object, std::string_view key, std::string_view wanted) {
  auto const* list = object.if_contains(key);
  if (!list) return false;
  for (auto const& each : list->as_array()) {
    if (each.as_string() == wanted) return true;
  }
  return false;
}

std::string default_in_words(json::object const& map, std::string_view name, json::object const& schema) {
  if (auto const only = text_of(schema, "x-only"); !only.empty()) {
    auto const* value = schema.if_contains("default");
    return fmt::format("{}; only with shape `{}`", value ? fmt::format("`{}`", pretty_json(*value)) : "**required**",
                       only);
  }
  if (lists(map, "required", name)) return "**required**";
  if (auto const* conditions = map.if_contains("allOf")) {
    for (auto const& condition : conditions->as_array()) {
      auto const* group = condition.as_object().if_contains("oneOf");
      if (!group) continue;
      for (auto const& each : group->as_array()) {
        if (lists(each.as_object(), "required", name)) return "**one of the two**";
      }
    }
  }
  auto const* value = schema.if_contains("default");
  if (!value) return "";
  auto const shown = value->is_string() ? std::string{value->get_string()} : pretty_json(*value);
  return shown.empty() ? "" : fmt::format("`{}`", shown);
}

void write_table(json::object const& map, std::string const& heading, std::string const& intro, std::string& out) {
  out += fmt::format("\n## {}\n\n{}| Key | Type | Range | Default | Meaning |\n|---|---|---|---|---|\n", heading,
                     intro.empty() ? "" : intro + "\n\n");
  auto const& properties = map.at("properties").as_object();
  for (auto const& [name, value] : properties) {
    auto const& schema = value.as_object();
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", std::string_view{name}, type_in_words(schema),
                       range_in_words(schema), default_in_words(map, name, schema), text_of(schema, "description"));
  }
  for (auto const& [name, value] : properties) {
    auto const& schema = value.as_object();
    std::string const path =
        (heading.starts_with('`') ? heading.substr(0, heading.size() - 1) + "." : "`") + std::string{name} + "`";
    std::string const doc{text_of(schema, "description")};
    if (schema.contains("properties")) {
      write_table(schema, path, doc, out);
    } else if (auto const* items = schema.if_contains("items"); items && items->as_object().contains("properties")) {
      write_table(items->as_object(), path, doc + " Each entry:", out);
    }
  }
}

constexpr std::string_view reference_head = R"(# Scenario files

<!-- Written from harness/scenario/describe.hpp; a test fails when it isn't current. -->

A scenario says what to drive, how, for how long, and what would be good enough. It is checked whole before anything starts:
`assay validate FILE` names every mistake with line, column, the rule and the nearest right name. A key that isn't listed here is
a mistake. Begin a file with `# yaml-language-server: $schema=scenario.schema.json`, and editors complete and check as you type.

Durations have a unit: `250ms`, `30s`, `1.5h` (ns, us, ms, s, m, h). Anchors, aliases and merge keys of YAML work. A policy is named
without its folder and ending, or by a path.

On the command line, `--set load.payload_bytes=1024` sets any key (an entry of a list by its index: `load.classes.0.weight=3`; nothing
after `=` goes back to the default). `--runners 10,50` and `--backend a,b` replace the trials by every combination of what is
given and what the scenario names, of each variant. `--variant a,b` keeps only those. `--repeat` and `--seed` set their keys.
)";

}  // namespace

std::string scenario_reference() {
  std::string out{reference_head};
  write_table(json::parse(scenario_schema()).as_object(), "Keys", "", out);

  out +=
      "\n## Objectives\n\n`metric: statistic < bound`, with `<`, `<=`, `>` or `>=`. The bound of a latency is a "
      "duration; of a share, "
      "`1%` or `0.01`; of the\nothers, a number. The same text works in `assay gate DIR --threshold '...'` and in a "
      "policy's `when`.\n\n"
      "| Metric | Statistics | Meaning |\n|---|---|---|\n";
  for (auto const& metric : known_metrics()) {
    out += fmt::format("| `{}` | {} | {} |\n", metric.name, fmt::join(metric.statistics, ", "), metric.meaning);
  }

  out +=
      "\n# Policy files\n\nThe rules that turn evidence into a decision, in `scenarios/policies/`. Write your own "
      "beside them.\n";
  write_table(json::parse(policy_schema()).as_object(), "Keys of a policy", "", out);
  return out;
}

}  // namespace assay
