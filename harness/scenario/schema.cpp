#include "harness/scenario/schema.hpp"

#include "harness/assess/figure_names.hpp"
#include "harness/scenario/describe_policy.hpp"
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
    if (!key.required && key.one_of.empty() && !key.omit_empty) add_default(schema, member);
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
  static json::object type_of(Key const&, json::object&) { return {{"type", "object"}}; }
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

}  // namespace

std::string pretty_json(json::value const& value) {
  std::string out;
  write_pretty(value, 0, out);
  return out;
}

std::string scenario_schema() { return pretty_json(schema_of<Scenario>("assay scenario")) + "\n"; }

std::string policy_schema() { return pretty_json(schema_of<Policy>("assay decision policy")) + "\n"; }

}  // namespace assay
