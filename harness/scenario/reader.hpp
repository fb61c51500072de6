// A visitor for describe.hpp that fills structs from a YAML tree and collects every mistake. A value with a mistake
// leaves its member as it was; nobody may use the struct when there are mistakes. To read: construct over a map,
// describe(reader, value), finish() — which finds the keys that nobody asked for.
#pragma once

#include "harness/scenario/describe.hpp"
#include "harness/scenario/yaml_tree.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <map>
#include <optional>
#include <span>
#include <type_traits>

namespace assay {

// "from 1 to 100", "above 0, at most 6000"; durations with units. Empty when anything goes.
std::string range_text(Key const& key, bool duration);

class Reader {
 public:
  // Lists under `each` keys are written out in the tree, so that a path of a mistake or of a rule finds its entry.
  Reader(Node& map, std::string path, Mistakes& mistakes, std::span<std::string const> known_backends)
      : map_{map}, path_{std::move(path)}, mistakes_{mistakes}, known_backends_{known_backends} {}

  template <class T>
  void operator()(Key const& key, T& member) {
    Node* node = take(key);
    if (node) read(*node, path_of(key.name), key, member);
    if constexpr (std::is_enum_v<T>) {
      if (key.name == "shape" && !mistakes_.touch(path_of(key.name))) {
        shape_ = names_of(member)[static_cast<std::size_t>(member)];
      }
    }
  }

  void finish();

 private:
  Node* take(Key const& key);  // nullptr: absent, or of another shape; noted where that is a mistake
  std::string path_of(std::string_view key) const {
    return path_.empty() ? std::string{key} : fmt::format("{}.{}", path_, key);
  }
  void wrong(Node const& node, std::string const& path, std::string message) {
    mistakes_.add(node.place, path, std::move(message));
  }
  bool is_a(Node const& node, Node::Kind kind, std::string const& path, std::string_view wanted);
  std::optional<double> number(Node const& node, std::string const& path, Key const& key);
  std::size_t choice(Node const& node, std::string const& path, std::span<std::string_view const> names,
                     std::size_t fallback);
  static void write_out_each(Node& list, std::span<std::string_view const> keys);

  void read(Node& node, std::string const& path, Key const& key, bool& value);
  void read(Node& node, std::string const& path, Key const& key, int& value);
  void read(Node& node, std::string const& path, Key const& key, std::uint64_t& value);
  void read(Node& node, std::string const& path, Key const& key, double& value);
  void read(Node& node, std::string const& path, Key const& key, Duration& value);
  void read(Node& node, std::string const& path, Key const& key, std::string& value);
  void read(Node& node, std::string const& path, Key const& key, Objective& value);
  void read(Node& node, std::string const& path, Key const& key, boost::json::object& value);
  void read(Node& node, std::string const& path, Key const& key, std::map<int, double>& value);
  void read(Node& node, std::string const& path, Key const& key, std::map<std::string, bool>& value);

  template <class T>
  void read(Node& node, std::string const& path, Key const& key, std::optional<T>& value) {
    value.emplace();
    read(node, path, key, *value);
  }

  template <class T>
  void read(Node& node, std::string const& path, Key const& key, std::vector<T>& value) {
    if (!is_a(node, Node::Kind::list, path, "a list, like [a, b]")) return;
    if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string> && !std::is_same_v<T, Objective>) {
      EachKeys each;
      T sample;
      describe(each, sample);
      write_out_each(node, each.names);
    }
    if (node.children.size() < key.min_items) {
      return wrong(node, path, fmt::format("`{}` needs at least {} entry", path, key.min_items));
    }
    value.assign(node.children.size(), T{});
    for (std::size_t i = 0; i < value.size(); ++i) read(node.children[i], fmt::format("{}.{}", path, i), key, value[i]);
  }

  template <class T>
  void read(Node& node, std::string const& path, Key const&, T& value) {
    if constexpr (std::is_enum_v<T>) {
      auto const names = names_of(value);
      value = static_cast<T>(choice(node, path, names, static_cast<std::size_t>(value)));
    } else {
      if (!is_a(node, Node::Kind::map, path, "a map of keys")) return;
      Reader inner{node, path, mistakes_, known_backends_};
      describe(inner, value);
      inner.finish();
    }
  }

  struct EachKeys {
    std::vector<std::string_view> names;
    template <class T>
    void operator()(Key const& key, T&) {
      if (key.each) names.push_back(key.name);
    }
  };

  struct Group {
    std::vector<std::string> keys;
    std::vector<Node const*> present;
  };

  Node& map_;
  std::string path_;
  Mistakes& mistakes_;
  std::span<std::string const> known_backends_;
  std::string_view shape_;  // of this map; empty: it has none, or its shape is a mistake
  std::vector<std::string> known_;
  std::vector<Mistake> missing_;  // required keys, until finish() knows whether one of them is here under a wrong name
  std::map<std::string_view, Group> groups_;
};

}  // namespace assay
