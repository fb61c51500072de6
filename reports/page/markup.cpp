#include "reports/page/markup.hpp"

namespace assay {

std::string escape_markup(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  for (char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default:
        if ((c >= 0 && c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
          result += "\xef\xbf\xbd";
        else
          result += c;
    }
  }
  return result;
}

Markup element(std::string_view name, Attributes attributes, std::initializer_list<Markup> children) {
  std::string result{"<"};
  result += name;
  for (auto const& [key, value] : attributes) {
    result += ' ';
    result += key;
    result += "=\"";
    result += escape_markup(value);
    result += '"';
  }
  result += '>';
  for (auto const& child : children) result += child.str();
  result += "</";
  result += name;
  result += '>';
  return Markup::raw(std::move(result));
}

std::string script_json(boost::json::value const& value) {
  auto json = boost::json::serialize(value);
  std::string result;
  result.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '<')
      result += "\\u003c";
    else if (json.compare(i, 3, "\xe2\x80\xa8") == 0 || json.compare(i, 3, "\xe2\x80\xa9") == 0) {  // U+2028, U+2029
      result += json[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      result += json[i];
    }
  }
  return result;
}

}  // namespace assay
