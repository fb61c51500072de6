#include "simulated_runners/http_response.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay {
namespace {

using State = HttpResponse::State;

TEST(HttpResponse, ReadsStatusAndBody) {
  auto const response = parse_http_response(
      "HTTP/1.1 201 Created\r\nServer: x\r\nContent-Type: application/json\r\nCONTENT-length:  5 \r\n\r\nhello");
  ASSERT_EQ(response.state, State::complete);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "hello");
  EXPECT_TRUE(response.keep_alive);
}

TEST(HttpResponse, EveryPrefixIsIncompleteAndNothingElse) {
  std::string const whole = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"runs\":[]}\n";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    ASSERT_EQ(parse_http_response(whole.substr(0, n)).state, State::incomplete) << n;
  }
  EXPECT_EQ(parse_http_response(whole).state, State::complete);
}

TEST(HttpResponse, KnowsWhenTheServerCloses) {
  EXPECT_FALSE(parse_http_response("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse_http_response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse_http_response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

TEST(HttpResponse, NoContentNeedsNoLength) {
  auto const response = parse_http_response("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(response.state, State::complete);
  EXPECT_EQ(response.body, "");
}

class BrokenResponse : public testing::TestWithParam<char const*> {};

TEST_P(BrokenResponse, IsCalledBrokenWithAReason) {
  auto const response = parse_http_response(GetParam());
  EXPECT_EQ(response.state, State::broken);
  ASSERT_NE(response.problem, nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    , BrokenResponse,
    testing::Values("SSH-2.0-OpenSSH", "HTTP/2 200\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                    "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
                    "HTTP/1.1\r\n\r\n", "HTTP/1.1-200 OK\r\nContent-Length: 0\r\n\r\n"));

TEST(HttpResponse, AHeadWithoutEndIsRefused) {
  std::string endless = "HTTP/1.1 200 OK\r\nX: ";
  endless.append(longest_response_head, 'x');
  EXPECT_EQ(parse_http_response(endless).state, State::broken);
}

}  // namespace
}  // namespace assay
