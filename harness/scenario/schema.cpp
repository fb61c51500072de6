#include "harness/scenario/schema.hpp"

#include "harness/assess/figure_names.hpp"
#include "harness/scenario/json_writer.hpp"
#include "harness/scenario/reader.hpp"

#include <fmt/format.h>

#include <cmath>

namespace assay {

namespace json = boost::json;

namespace {

constexpr std::string_view duration_pattern = R"(^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$)";

json::value number_bound(double bound) {
  if (bound == std::floor(bound) && std::abs(bound) < 1e15) return static_cast<std::int64_t>(bound);
  return bound;
}

// A visitor for describe.hpp: the schema of one map. What JSON Schema has no words for (a range of durations) is said
// in "x-range", which the reference page shows too.
class SchemaWriter {
 public:
  template <class T>
  void operator()(Key const& key, T& member) {
    json::object schema{{"description", key.doc}};
    auto const type = type_of(key, member);
    if (key.each) {
      schema["oneOf"] = json::array{type, json::object{{"type", "array"}, {"items", type}, {"minItems", 1}}};
    } else {
      for (auto const& entry : type) schema[entry.key()] = entry.value();
    }
    if (!key.required && key.one_of.empty()) add_default(schema, member);
    if (!key.only.empty()) schema["x-only"] = key.only;
    if (key.name == "shape") {
      if (auto const* names = type.if_contains("enum")) shapes_ = names->as_array();
    }
    if (key.only.empty()) {
      if (key.required) required_.emplace_back(key.name);
    } else {
      by_shape_[std::string{key.only}].push_back(key);
    }
    if (!key.one_of.empty()) groups_[key.one_of].push_back(json::object{{"required", json::array{key.name}}});
    properties_[key.name] = std::move(schema);
  }

  json::object take() {
    json::object schema{{"type", "object"}, {"additionalProperties", false}};
    if (!required_.empty()) schema["required"] = required_;
    schema["properties"] = std::move(properties_);
    json::array conditions;
    for (auto const& [name, group] : groups_) conditions.push_back(json::object{{"oneOf", group}});
    if (!by_shape_.empty()) {
      for (auto const& shape : shapes_) conditions.push_back(when_shape(shape.as_string()));
    }
    if (!conditions.empty()) schema["allOf"] = std::move(conditions);
    return schema;
  }

 private:
  // If the shape is this (by default the first one that the struct names), what it needs and what belongs to the
  // others.
  json::object when_shape(std::string_view shape) const {
    json::array needed;
    json::object foreign;
    for (auto const& [owner, keys] : by_shape_) {
      for (auto const& key : keys) {
        if (owner != shape)
          foreign[key.name] = false;
        else if (key.required)
          needed.emplace_back(key.name);
      }
    }
    json::object condition{{"properties", json::object{{"shape", json::object{{"const", shape}}}}}};
    if (shape != default_shape_) condition["required"] = json::array{"shape"};
    json::object then;
    if (!needed.empty()) then["required"] = needed;
    if (!foreign.empty()) then["properties"] = foreign;
    return {{"if", condition}, {"then", then}};
  }

  template <class T>
  void add_default(json::object& schema, T const& member) {
    auto value = JsonWriter::to_value(member);
    if constexpr (std::is_enum_v<T>) default_shape_ = std::string{value.as_string()};
    bool const composed = value.is_object() || (value.is_array() && !value.get_array().empty());
    if (!composed && !value.is_null()) schema["default"] = std::move(value);
  }

  static json::object numeric(Key const& key, std::string_view type) {
    json::object schema{{"type", type}};
    if (std::isfinite(key.min)) schema[key.above_min ? "exclusiveMinimum" : "minimum"] = number_bound(key.min);
    if (std::isfinite(key.max)) schema["maximum"] = number_bound(key.max);
    if (auto const range = range_text(key, false); !range.empty()) schema["x-range"] = range;
    return schema;
  }

  static json::object type_of(Key const&, bool&) { return {{"type", "boolean"}}; }
  static json::object type_of(Key const& key, int&) { return numeric(key, "integer"); }
  static json::object type_of(Key const& key, std::uint64_t&) { return numeric(key, "integer"); }
  static json::object type_of(Key const& key, double&) { return numeric(key, "number"); }
  static json::object type_of(Key const& key, Duration&) {
    return {{"$ref", "#/$defs/duration"}, {"x-range", range_text(key, true)}};
  }
  static json::object type_of(Key const& key, std::string&) {
    // A YAML scalar like 2026 or 1.5 is a fine title, but numbers to a schema: quoting it is the file's business.
    json::object schema{{"type", "string"}};
    if (key.text == TextRule::name) schema["pattern"] = "^[a-z0-9][a-z0-9_-]{0,63}$";
    if (key.text == TextRule::tag) schema["pattern"] = "^[A-Za-z0-9._:/-]{1,64}$";
    if (!schema.contains("pattern") && key.text != TextRule::prose) schema["minLength"] = 1;
    return schema;
  }
  static json::object type_of(Key const&, Objective&) { return {{"$ref", "#/$defs/objective"}}; }
  static json::object type_of(Key const& key, std::map<int, double>&) {
    return {{"type", "object"},
            {"propertyNames", json::object{{"pattern", "^[1-9][0-9]*$"}}},
            {"additionalProperties", numeric(key, "number")}};
  }
  static json::object type_of(Key const&, std::map<std::string, bool>&) {
    return {{"type", "object"},
            {"propertyNames", json::object{{"pattern", "^[a-z0-9][a-z0-9_-]*$"}}},
            {"additionalProperties", json::object{{"type", "boolean"}}}};
  }
  template <class T>
  static json::object type_of(Key const& key, std::optional<T>&) {
    T value{};
    return type_of(key, value);
  }
  template <class T>
  static json::object type_of(Key const& key, std::vector<T>&) {
    T value{};
    json::object schema{{"type", "array"}, {"items", type_of(key, value)}};
    if (key.min_items > 0) schema["minItems"] = key.min_items;
    return schema;
  }
  template <class T>
  static json::object type_of(Key const&, T& value) {
    if constexpr (std::is_enum_v<T>) {
      json::array names;
      for (auto const name : names_of(value)) names.emplace_back(name);
      return {{"enum", names}};
    } else {
      SchemaWriter inner;
      describe(inner, value);
      return inner.take();
    }
  }

  json::object properties_;
  json::array required_;
  json::array shapes_;
  std::string default_shape_;
  std::map<std::string, std::vector<Key>> by_shape_;
  std::map<std::string_view, json::array> groups_;
};

json::object definitions() {
  std::vector<std::string_view> metrics;
  for (auto const& metric : known_metrics()) metrics.push_back(metric.name);
  json::object const duration{{"anyOf", json::array{json::object{{"const", 0}},
                                                    json::object{{"type", "string"}, {"pattern", duration_pattern}}}},
                              {"description", "30s, 250ms, 1.5h, 0: units ns, us, ms, s, m, h"}};
  json::object const objective{
      {"type", "string"},
      {"pattern", fmt::format(R"(^({}): *[a-z0-9.]+ *(<|<=|>|>=) *.+$)", fmt::join(metrics, "|"))},
      {"description", "metric: statistic < bound, e.g. claim_latency: p99 < 5s"}};
  return {{"duration", duration}, {"objective", objective}};
}

template <class T>
json::object schema_of(std::string_view title) {
  T value;
  SchemaWriter writer;
  describe(writer, value);
  json::object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
  for (auto& entry : writer.take()) schema[entry.key()] = std::move(entry.value());
  schema["$defs"] = definitions();
  return schema;
}

// --- the reference page, read off the schema ---

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

void write_pretty(json::value const& value, std::size_t indent, std::string& out) {
  auto const separated = [&](auto const& list, char open, char close, auto write_item) {
    if (list.empty()) return void(out += {open, close});
    out += open;
    bool first = true;
    for (auto const& item : list) {
      out += fmt::format("{}\n{:{}}", first ? "" : ",", "", indent + 2);
      first = false;
      write_item(item);
    }
    out += fmt::format("\n{:{}}{}", "", indent, close);
  };
  if (auto const* object = value.if_object()) {
    separated(*object, '{', '}', [&](auto const& entry) {
      out += json::serialize(json::value(entry.key())) + ": ";
      write_pretty(entry.value(), indent + 2, out);
    });
  } else if (auto const* array = value.if_array()) {
    separated(*array, '[', ']', [&](auto const& item) { write_pretty(item, indent + 2, out); });
  } else if (value.is_double()) {
    out += fmt::format("{}", value.get_double());
  } else {
    out += json::serialize(value);
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
given and what the scenario names. `--repeat` and `--seed` set their keys.
)";

}  // namespace

std::string pretty_json(json::value const& value) {
  std::string out;
  write_pretty(value, 0, out);
  return out;
}

std::string scenario_schema() { return pretty_json(schema_of<Scenario>("assay scenario")) + "\n"; }

std::string policy_schema() { return pretty_json(schema_of<Policy>("assay decision policy")) + "\n"; }

std::string scenario_reference() {
  std::string out{reference_head};
  write_table(schema_of<Scenario>(""), "Keys", "", out);

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
  write_table(schema_of<Policy>(""), "Keys of a policy", "", out);
  return out;
}

}  // namespace assay
