#include "harness/experiment/stats_client.hpp"

#include <fmt/format.h>
#include <boost/beast/http.hpp>

namespace assay {

namespace http = boost::beast::http;

Awaitable<Result<protocol::CoordinatorStats>> StatsClient::get() {
  auto body = co_await exchange();
  if (body.has_error()) {
    close();
    co_return body.error();
  }
  co_return protocol::decode_stats(*body);
}

Awaitable<Result<std::string>> StatsClient::exchange() {
  auto const failed = [](boost::system::error_code error) {
    return Error{ErrorKind::unavailable, fmt::format("GET /stats: {}", error.message())};
  };
  if (!socket_.is_open()) {
    auto [error] = co_await socket_.async_connect(coordinator_, as_result);
    if (error) co_return failed(error);
  }
  http::request<http::empty_body> request{http::verb::get, "/stats", 11};
  request.set(http::field::host, "coordinator");
  auto [write_error, written] = co_await http::async_write(socket_, request, as_result);
  if (write_error) co_return failed(write_error);
  http::response_parser<http::string_body> parser;
  parser.body_limit(64 * 1024 * 1024);
  auto [read_error, read] = co_await http::async_read(socket_, buffer_, parser, as_result);
  if (read_error) co_return failed(read_error);
  if (parser.get().result() != http::status::ok) {
    co_return Error{ErrorKind::broken_protocol, fmt::format("GET /stats answered {}", parser.get().result_int())};
  }
  co_return std::move(parser.get().body());
}

void StatsClient::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  buffer_.clear();
}

}  // namespace assay
