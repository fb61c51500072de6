// Described structs ↔ JSON, both directions from one list of members (described.hpp). Reading is strict: a missing
// member, an unknown one or one of the wrong type is an error that names its place ("trials[3].claim_latency.p99: not a
// number"), because a figure that silently became 0 is worse than no figure. Absent optionals are left out.
#pragma once

#include "harness/record/described.hpp"
#include "harness/record/json_text.hpp"

#include <fmt/format.h>
#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay {

// Where in the document we are; printed only when something is wrong.
struct JsonPlace {
  JsonPlace const* outer = nullptr;
  std::string_view name;
  std::size_t index = 0;

  std::string text() const {
    if (!outer) return std::string{name};
    std::string const before = outer->text();
    if (name.empty()) return fmt::format("{}[{}]", before, index);
    return before.empty() ? std::string{name} : fmt::format("{}.{}", before, name);
  }
  [[noreturn]] void wrong(std::string_view what) const {
    std::string const here = text();
    throw std::runtime_error{here.empty() ? std::string{what} : fmt::format("{}: {}", here, what)};
  }
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
struct JsonForm;  // to(value) → json, from(json, place) → value

template <class T>
boost::json::value to_json(T const& value) {
  return JsonForm<T>::to(value);
}

template <class T>
T from_json(boost::json::value const& json, JsonPlace const& place) {
  return JsonForm<T>::from(json, place);
}

template <>
struct JsonForm<bool> {
  static boost::json::value to(bool value) { return value; }
  static bool from(boost::json::value const& json, JsonPlace const& place) {
    if (!json.is_bool()) place.wrong("not true or false");
    return json.get_bool();
  }
};

template <std::integral T>
struct JsonForm<T> {
  static boost::json::value to(T value) { return value; }
  static T from(boost::json::value const& json, JsonPlace const& place) {
    if (json.is_uint64() && std::in_range<T>(json.get_uint64())) return static_cast<T>(json.get_uint64());
    if (json.is_int64() && std::in_range<T>(json.get_int64())) return static_cast<T>(json.get_int64());
    place.wrong("not a whole number in range");
  }
};

template <>
struct JsonForm<double> {
  static boost::json::value to(double value) { return number(value); }
  static double from(boost::json::value const& json, JsonPlace const& place) {
    if (json.is_double()) return json.get_double();
    if (json.is_int64()) return static_cast<double>(json.get_int64());
    if (json.is_uint64()) return static_cast<double>(json.get_uint64());
    if (json == "inf") return std::numeric_limits<double>::infinity();
    if (json == "-inf") return -std::numeric_limits<double>::infinity();
    if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
    place.wrong("not a number");
  }
};

template <>
struct JsonForm<std::string> {
  static boost::json::value to(std::string const& value) { return boost::json::string{value}; }
  static std::string from(boost::json::value const& json, JsonPlace const& place) {
    if (!json.is_string()) place.wrong("not a text");
    return std::string{json.get_string()};
  }
};

template <class E>
requires std::is_enum_v<E>
struct JsonForm<E> {
  static boost::json::value to(E value) { return boost::describe::enum_to_string(value, "?"); }
  static E from(boost::json::value const& json, JsonPlace const& place) {
    E value{};
    if (!json.is_string() || !boost::describe::enum_from_string(json.get_string().c_str(), value)) {
      std::string known;
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
          [&](auto e) { known += fmt::format(" {}", e.name); });
      place.wrong(fmt::format("{} is none of{}", boost::json::serialize(json), known));
    }
    return value;
  }
};

template <class T>
struct JsonForm<std::vector<T>> {
  static boost::json::value to(std::vector<T> const& values) {
    boost::json::array array;
    for (auto const& value : values) array.push_back(to_json(value));
    return array;
  }
  static std::vector<T> from(boost::json::value const& json, JsonPlace const& place) {
    if (!json.is_array()) place.wrong("not a list");
    std::vector<T> values;
    for (auto const& item : json.get_array()) values.push_back(from_json<T>(item, {&place, {}, values.size()}));
    return values;
  }
};

// [key, value]: an object would lose the order and refuse a key that comes twice.
template <>
struct JsonForm<std::pair<std::string, std::string>> {
  using Pair = std::pair<std::string, std::string>;
  static boost::json::value to(Pair const& pair) {
    return boost::json::array{to_json(pair.first), to_json(pair.second)};
  }
  static Pair from(boost::json::value const& json, JsonPlace const& place) {
    if (!json.is_array() || json.get_array().size() != 2) place.wrong("not a pair of texts");
    return {from_json<std::string>(json.get_array()[0], {&place, {}, 0}),
            from_json<std::string>(json.get_array()[1], {&place, {}, 1})};
  }
};

template <class T>
struct JsonForm<std::map<std::string, T>> {
  static boost::json::value to(std::map<std::string, T> const& map) {
    boost::json::object object;
    for (auto const& [key, value] : map) object[key] = to_json(value);
    return object;
  }
  static std::map<std::string, T> from(boost::json::value const& json, JsonPlace const& place) {
    if (!json.is_object()) place.wrong("not an object");
    std::map<std::string, T> map;
    for (auto const& [key, value] : json.get_object()) map.emplace(key, from_json<T>(value, {&place, key}));
    return map;
  }
};

template <class T>
requires boost::describe::has_describe_members<T>::value struct JsonForm<T> {
  static boost::json::value to(T const& value) {
    boost::json::object object;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      auto const& field = value.*member.pointer;
      if constexpr (is_optional<std::remove_cvref_t<decltype(field)>>) {
        if (field) object[member.name] = to_json(*field);
      } else {
        object[member.name] = to_json(field);
      }
    });
    return object;
  }
  static T from(boost::json::value const& json, JsonPlace const& place) {
    if (!json.is_object()) place.wrong("not an object");
    auto const& object = json.get_object();
    T value;
    std::size_t known = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using Field = std::remove_cvref_t<decltype(value.*member.pointer)>;
      JsonPlace const inner{&place, member.name};
      auto const* found = object.if_contains(member.name);
      if (found) ++known;
      if constexpr (is_optional<Field>) {
        if (found) value.*member.pointer = from_json<typename Field::value_type>(*found, inner);
      } else {
        if (!found) inner.wrong("missing");
        value.*member.pointer = from_json<Field>(*found, inner);
      }
    });
    if (known != object.size()) refuse_unknown(object, place);
    return value;
  }

 private:
  [[noreturn]] static void refuse_unknown(boost::json::object const& object, JsonPlace const& place) {
    for (auto const& item : object) {
      bool listed = false;
      boost::mp11::mp_for_each<Members<T>>([&](auto member) { listed = listed || item.key() == member.name; });
      if (!listed) JsonPlace{&place, item.key()}.wrong("unknown");
    }
    place.wrong("a member comes twice");
  }
};

}  // namespace assay
