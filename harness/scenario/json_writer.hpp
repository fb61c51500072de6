// A visitor for describe.hpp that writes structs as JSON values, every key that applies, defaults included: the
// resolved scenario, and the defaults in the schema.
#pragma once

#include "harness/base/text.hpp"
#include "harness/scenario/describe.hpp"

#include <boost/json.hpp>

#include <map>
#include <optional>
#include <type_traits>

namespace assay {

class JsonWriter {
 public:
  template <class T>
  void operator()(Key const& key, T const& member) {
    if (!key.only.empty() && key.only != shape_) return;
    auto value = to_value(member);
    if (key.name == "shape") shape_ = std::string{value.as_string()};
    bool const empty = value.is_null() || (key.omit_empty && is_empty(value));
    if (!empty) object_[key.name] = std::move(value);
  }

  boost::json::object take() { return std::move(object_); }

  static bool is_empty(boost::json::value const& value) {
    return (value.is_string() && value.get_string().empty()) || (value.is_object() && value.get_object().empty());
  }

  static boost::json::value to_value(bool value) { return value; }
  static boost::json::value to_value(int value) { return value; }
  static boost::json::value to_value(std::uint64_t value) { return value; }
  static boost::json::value to_value(double value) { return value; }
  static boost::json::value to_value(Duration value) { return boost::json::value(format_duration(value)); }
  static boost::json::value to_value(std::string const& value) { return boost::json::value(value); }
  static boost::json::value to_value(boost::json::object const& value) { return value; }
  static boost::json::value to_value(Objective const& value) { return boost::json::value(value.text); }

  template <class T>
  static boost::json::value to_value(std::optional<T> const& value) {
    return value ? to_value(*value) : boost::json::value(nullptr);
  }

  template <class T>
  static boost::json::value to_value(std::vector<T> const& values) {
    boost::json::array array;
    for (auto const& value : values) array.push_back(to_value(value));
    return array;
  }

  template <class K, class T>
  static boost::json::value to_value(std::map<K, T> const& values) {
    boost::json::object object;
    for (auto const& [key, value] : values) object[fmt::format("{}", key)] = to_value(value);
    return object;
  }

  template <class T>
  static boost::json::value to_value(T value) {
    if constexpr (std::is_enum_v<T>) {
      return boost::json::value(names_of(value)[static_cast<std::size_t>(value)]);
    } else {
      JsonWriter inner;
      describe(inner, value);
      return inner.take();
    }
  }

 private:
  std::string shape_;
  boost::json::object object_;
};

}  // namespace assay
