#include "reports/page/page.hpp"

#include "reports/assets.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace assay {
namespace {

// As a Content-Security-Policy names a script that may run.
std::string script_hash(std::string_view script) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(script.data(), script.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error{"report.html: SHA-256 is not available in this OpenSSL"};
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> base64{};
  int const length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return fmt::format("'sha256-{}'",
                     std::string_view{reinterpret_cast<char const*>(base64.data()), static_cast<std::size_t>(length)});
}

Markup script(std::string_view source) { return Markup::raw("<script>" + std::string{source} + "</script>\n"); }

// Scripts run by their hashes only: whatever text found its way into the page, it cannot run; and nothing can be
// fetched.
std::string content_policy(std::initializer_list<std::string_view> scripts) {
  std::string policy{
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src"};
  for (auto const& each : scripts) policy += ' ' + script_hash(each);
  return policy;
}

Markup licences() {
  return element(
      "details", {{"class", "licences"}},
      {element("summary", {"Licences of the software inside this page"}),
       element("p",
               {"The charts are drawn by Apache ECharts, which is part of this file, under the Apache License 2.0:"}),
       element("pre", {assets::echarts_notice()}), element("pre", {assets::echarts_licence()})});
}

}  // namespace

std::string report_html(Assessment const& assessment, std::vector<DrawnChart> const& charts) {
  boost::json::object options;
  for (auto const& [chart, svg] : charts) options[chart.id] = chart.option;
  auto const title = fmt::format("{}: {}", assessment.title, title_of(assessment.verdict.decision));
  auto const policy = content_policy({assets::echarts_js(), assets::chart_functions_js(), assets::page_js()});

  Markup head = Markup::raw("<meta charset=\"utf-8\">\n");
  head +=
      Markup::raw(fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", escape_markup(policy)));
  head += Markup::raw(
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n");
  head += element("title", {title});
  head += Markup::raw("\n<style>\n" + std::string{assets::page_css()} + "</style>\n");

  auto const masthead =
      element("header", {{"class", "masthead"}},
              {element("p", {element("b", {"assay"}), " load assessment · ", assessment.scenario_name}),
               element("p", {element("time", {{"datetime", assessment.started_utc}}, {assessment.started_utc})})});
  auto const footer = element("footer", {licences()});
  auto const data =
      Markup::raw("<script type=\"application/json\" id=\"chart-options\">" + script_json(options) + "</script>\n");

  std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n";
  page += element("head", {head}).str();
  page += '\n';
  page +=
      element("body", {masthead, element("main", {page_sections(assessment, charts)}), footer, data,
                       script(assets::echarts_js()), script(assets::chart_functions_js()), script(assets::page_js())})
          .str();
  return page + "\n</html>\n";
}

}  // namespace assay
