// Requests are the same however their bytes are cut, and what is against HTTP or a limit is told apart.
#include "reference_coordinator/http/request.hpp"
#include "harness/base/random.hpp"
#include "reference_coordinator/http/response.hpp"
#include "reference_coordinator/http/routes.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <boost/asio/buffer.hpp>

#include <cstdlib>

namespace assay {
namespace {

struct Fed {
  boost::beast::error_code error;
  std::size_t used = 0;
};

// Gives the parser `piece` bytes more at a time, as a connection does, until it is done, refuses or has seen all.
Fed feed(RequestParser& parser, std::string_view bytes, std::size_t piece) {
  Fed fed;
  std::size_t arrived = 0;
  while (!parser.is_done() && arrived < bytes.size()) {
    arrived = std::min(arrived + piece, bytes.size());
    fed.used += parser.put(boost::asio::buffer(bytes.data() + fed.used, arrived - fed.used), fed.error);
    if (fed.error && fed.error != http::error::need_more) return fed;
    fed.error = {};
  }
  return fed;
}

constexpr char post[] =
    "POST /runs?x=1 HTTP/1.1\r\nHost: here\r\nauthorization: bearer s3cret\r\nContent-Length: 5\r\n"
    "Expect: 100-continue\r\n\r\nhelloGET /next HTTP/1.1\r\n\r\n";

TEST(RequestParser, ReadsOneRequestHoweverItsBytesAreCutAndLeavesTheNext) {
  for (std::size_t piece = 1; piece < sizeof post; ++piece) {
    Request request;
    RequestParser parser{request};
    Fed const fed = feed(parser, post, piece);
    ASSERT_FALSE(fed.error) << piece;
    ASSERT_TRUE(parser.is_done()) << piece;
    EXPECT_EQ(request.method, http::verb::post);
    EXPECT_EQ(request.target, "/runs?x=1");
    EXPECT_EQ(request.token, "s3cret");
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(request.expects_continue);
    EXPECT_TRUE(parser.keep_alive());
    EXPECT_EQ(std::string_view{post}.substr(fed.used), "GET /next HTTP/1.1\r\n\r\n");
  }
}

TEST(RequestParser, TellsLimitsApart) {
  auto const status = [](std::string const& bytes) {
    Request request;
    RequestParser parser{request};
    auto const error = feed(parser, bytes, 4096).error;
    return error ? refusal_of(error).status : 200U;
  };
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 200U);
  EXPECT_EQ(status(fmt::format("GET / HTTP/1.1\r\nX: {:x<8300}\r\n\r\n", "")), 431U);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n"), 413U);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"), 400U);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400U);
  EXPECT_EQ(status("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400U);
  EXPECT_EQ(status("GET / HTTP/3.7\r\n\r\n"), 400U);
  EXPECT_EQ(status("\x16\x03\x01\x02\r\n\r\n"), 400U);
}

TEST(RequestParser, SurvivesAnyBytes) {
  char const* const given = std::getenv("ASSAY_TEST_SEED");
  std::uint64_t const seed = given != nullptr ? std::strtoull(given, nullptr, 10) : random_seed();
  SCOPED_TRACE("ASSAY_TEST_SEED=" + std::to_string(seed));
  Random random{seed};
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = post;
    for (auto n = random.below(5) + 1; n > 0; --n) {
      auto const at = random.below(bytes.size());
      switch (random.below(3)) {
        case 0: bytes[at] = static_cast<char>(random.below(256)); break;
        case 1: bytes.erase(at, random.below(10)); break;
        default: bytes.insert(at, bytes.substr(at, random.below(30)));
      }
      if (bytes.empty()) bytes.assign(2, '\n');
    }
    Request request;
    RequestParser parser{request};
    if (auto const error = feed(parser, bytes, random.below(40) + 1).error) {
      EXPECT_GE(refusal_of(error).status, 400U);
    }
  }
}

TEST(Response, HeadHoldsWhatHttpAsksFor) {
  Response response;
  response.body = "{}";
  std::string head;
  append_head(head, response, "Date: x\r\n", true);
  EXPECT_EQ(head, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
  response.status = 503;
  response.extra = "Retry-After: 1\r\n";
  head.clear();
  append_head(head, response, "", false);
  EXPECT_EQ(
      head,
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
      "Content-Length: 2\r\n\r\n");
}

TEST(Response, DatesAreInTheFormOfRfc9110) {
  EXPECT_EQ(date_line(784'887'151), "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n");
  EXPECT_EQ(date_line(0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
}

TEST(Routes, EveryRouteIsFoundByItsOwnPath) {
  for (auto const& route : routes()) {
    std::string path{route.path};
    if (auto const at = route.path.find("{id}"); at != std::string_view::npos) {
      path = fmt::format("{}17{}", route.path.substr(0, at), route.path.substr(at + 4));
    }
    auto const match = match_route(route.method, path);
    ASSERT_EQ(match.route, &route) << path;
    EXPECT_EQ(match.id, path.find("17") == std::string::npos ? "" : "17") << path;
  }
}

TEST(Routes, OtherPathsAndMethodsAreTold) {
  for (auto const* path :
       {"", "/", "/run", "/runs/", "/runs/1/2", "/runs//start", "/runs/1/start/", "/healthz/", "//runs"}) {
    auto const match = match_route(http::verb::get, path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
  EXPECT_EQ(match_route(http::verb::post, "/healthz").allow, "Allow: GET\r\n");
  EXPECT_EQ(match_route(http::verb::get, "/runs/batch").allow, "Allow: POST\r\n");
  EXPECT_EQ(match_route(http::verb::get, "/runs/1/start").allow, "Allow: POST\r\n");
}

}  // namespace
}  // namespace assay
