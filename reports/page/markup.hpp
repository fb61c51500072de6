// HTML that cannot forget to escape: a string that becomes Markup is text and is escaped; only raw() trusts what it is
// given. Used by the page writer. Easy to get wrong: script elements are not text, see script_json().
#pragma once

#include <boost/json.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace assay {

// &, <, >, " and ' as character references; control characters that no XML or HTML may hold become U+FFFD. Also right
// for XML attribute values (junit.xml).
std::string escape_markup(std::string_view text);

class Markup {
 public:
  Markup() = default;
  template <class Text>
  requires std::convertible_to<Text const&, std::string_view> Markup(Text const& text)
      : markup_{escape_markup(text)} {}  // NOLINT(google-explicit-constructor): text is the usual case

  static Markup raw(std::string markup) {
    Markup result;
    result.markup_ = std::move(markup);
    return result;
  }

  Markup& operator+=(Markup const& more) {
    markup_ += more.markup_;
    return *this;
  }

  std::string const& str() const { return markup_; }
  bool empty() const { return markup_.empty(); }

 private:
  std::string markup_;
};

using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// <name attributes>children</name>. Attribute values are escaped here.
Markup element(std::string_view name, Attributes attributes, std::initializer_list<Markup> children);
inline Markup element(std::string_view name, std::initializer_list<Markup> children) {
  return element(name, {}, children);
}

// JSON that is safe inside a <script> element: no "<", so neither "</script" nor "<!--" can occur in it.
std::string script_json(boost::json::value const& value);

}  // namespace assay
