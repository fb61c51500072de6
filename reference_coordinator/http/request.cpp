#include "reference_coordinator/http/request.hpp"

#include <fmt/format.h>
#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace assay {

namespace {

constexpr std::size_t first_body_guess = 64 * 1024;
constexpr std::size_t body_bytes_kept = 2048;

}  // namespace

void Request::clear() {
  method = http::verb::unknown;
  target.clear();
  token.clear();
  body.clear();
  if (body.capacity() > body_bytes_kept) body.shrink_to_fit();
  expects_continue = false;
  upgrades = false;
  websocket_key.clear();
}

void RequestParser::on_request_impl(http::verb method, View, View target, int, Code&) {
  request_.method = method;
  request_.target.assign(target.data(), target.size());
}

void RequestParser::on_response_impl(int, View, int, Code&) {}

void RequestParser::on_field_impl(http::field field, View, View value, Code& error) {
  if (field == http::field::authorization) {
    // Two of them could mean two identities; which one a proxy in front has checked can't be known.
    if (!request_.token.empty()) {
      error = make_error_code(http::error::bad_field);
      return;
    }
    constexpr std::size_t scheme = 7;  // "Bearer "
    if (value.size() <= scheme || !boost::beast::iequals(value.substr(0, scheme), "Bearer ")) return;
    value.remove_prefix(scheme);
    request_.token.assign(value.data(), value.size());
  } else if (field == http::field::expect) {
    request_.expects_continue = boost::beast::iequals(value, "100-continue");
  } else if (field == http::field::upgrade) {
    request_.upgrades = boost::beast::iequals(value, "websocket");
  } else if (field == http::field::sec_websocket_key) {
    request_.websocket_key.assign(value.data(), value.size());
  }
}

void RequestParser::on_header_impl(Code&) {}

// The announced length is the sender's word: room is made for it only up to a size that a lie may cost us.
void RequestParser::on_body_init_impl(boost::optional<std::uint64_t> const& length, Code&) {
  if (length) request_.body.reserve(std::min(static_cast<std::size_t>(*length), first_body_guess));
}

std::size_t RequestParser::on_body_impl(View body, Code&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t, View, Code&) {}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, View body, Code&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void RequestParser::on_finish_impl(Code&) {}

Refusal refusal_of(boost::beast::error_code error) {
  if (error == http::error::header_limit) {
    return {431, fmt::format("the request's header is larger than {} bytes", max_header_bytes)};
  }
  if (error == http::error::body_limit) return {413, fmt::format("the body is larger than {} bytes", max_body_bytes)};
  return {400, fmt::format("not HTTP/1.1: {}", error.message())};
}

}  // namespace assay
