// Assessments with every member random, for round trips: made from the same lists of members that are under test, and
// compared through them.
#pragma once

#include "harness/base/random.hpp"
#include "harness/record/described.hpp"
#include "harness/record/json_values.hpp"

#include <bit>
#include <cmath>

namespace assay {

inline std::string random_text(Random& random) {
  static std::string const letters[] = {"a",    "Z", "0", " ", "\"",   "\\", "\n", "\t",
                                        "\x01", ",", "µ", "≤", "🙂", "{",  "'"};
  std::string text;
  for (auto n = random.below(12); n > 0; --n) text += letters[random.below(std::size(letters))];
  return text;
}

template <class T>
struct RandomValue {
  static T make(Random& random);
};

template <class T>
struct RandomValue<std::optional<T>> {
  static std::optional<T> make(Random& random) {
    return random.below(2) ? std::optional{RandomValue<T>::make(random)} : std::nullopt;
  }
};

template <class T>
struct RandomValue<std::vector<T>> {
  static std::vector<T> make(Random& random) {
    std::vector<T> values(random.below(4));
    for (auto& value : values) value = RandomValue<T>::make(random);
    return values;
  }
};

template <>
struct RandomValue<std::pair<std::string, std::string>> {
  static std::pair<std::string, std::string> make(Random& random) {
    auto first = random_text(random);
    return {std::move(first), random_text(random)};
  }
};

template <class T>
struct RandomValue<std::map<std::string, T>> {
  static std::map<std::string, T> make(Random& random) {
    std::map<std::string, T> map;
    for (auto n = random.below(4); n > 0; --n) map[random_text(random)] = RandomValue<T>::make(random);
    return map;
  }
};

template <class T>
T RandomValue<T>::make(Random& random) {
  if constexpr (std::is_same_v<T, bool>) {
    return random.below(2) == 1;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(random() >> random.below(64));
  } else if constexpr (std::is_same_v<T, double>) {
    if (random.below(50) == 0) return INFINITY;
    auto const anything = std::bit_cast<double>(random());
    return std::isnan(anything) ? 0.1 : anything;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return random_text(random);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(random.below(boost::mp11::mp_size<boost::describe::describe_enumerators<T>>::value));
  } else {
    T value;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      auto& field = value.*member.pointer;
      field = RandomValue<std::remove_cvref_t<decltype(field)>>::make(random);
    });
    if constexpr (std::is_same_v<T, TrialResult>)
      value.timeline = RandomValue<std::vector<TimelinePoint>>::make(random);
    return value;
  }
}

template <class T>
bool same(T const& a, T const& b) {
  if constexpr (requires { boost::mp11::mp_size<Members<T>>::value; }) {
    bool equal = true;
    boost::mp11::mp_for_each<Members<T>>(
        [&](auto member) { equal = equal && same(a.*member.pointer, b.*member.pointer); });
    if constexpr (std::is_same_v<T, TrialResult>) equal = equal && same(a.timeline, b.timeline);
    return equal;
  } else if constexpr (is_optional<T>) {
    return a.has_value() == b.has_value() && (!a || same(*a, *b));
  } else if constexpr (requires { a.begin()->first; }) {
    return a == b;
  } else if constexpr (!std::is_same_v<T, std::string> && requires { a.begin(); }) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto const& x, auto const& y) { return same(x, y); });
  } else {
    return a == b;
  }
}

inline Assessment random_assessment(Random& random) { return RandomValue<Assessment>::make(random); }

}  // namespace assay
