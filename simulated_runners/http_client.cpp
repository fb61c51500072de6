#include "simulated_runners/http_client.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace assay {

namespace {

using boost::system::error_code;

constexpr std::size_t shared_buffer_bytes = 64 * 1024;
constexpr std::uint_fast32_t last_loopback = 0x7FFFFFFE;  // 127.255.255.254
constexpr std::size_t largest_partial_kept = 4096;

// After this long without use a connection is checked before a request is trusted to it: one system call, where it can
// help.
constexpr Duration idle_check_after = milliseconds{100};

// A connection that is cut later than this after a request was closed because of something else than having been idle.
constexpr Duration stale_window = seconds{1};

}  // namespace

HttpClient::HttpClient(asio::io_context& context, Clock const& clock_to_use,
                       std::vector<asio::ip::tcp::endpoint> servers_to_use)
    : Transport{context.get_executor(), clock_to_use},
      servers{std::move(servers_to_use)},
      deadlines{executor, clock},
      buffer(shared_buffer_bytes) {
  auto const server = servers.front().address();
  bool const loopback = server.is_v4() && server.to_v4().is_loopback();
  if (loopback) source_addresses = last_loopback - server.to_v4().to_uint() + 1;
}

bool HttpClient::take_next_source() {
  if (source_addresses == 1) return false;
  auto const used = source.is_unspecified() ? servers.front().address().to_v4() : source;
  if (used.to_uint() >= last_loopback) return false;
  source = asio::ip::address_v4{used.to_uint() + 1};
  return true;
}

std::unique_ptr<Channel> HttpClient::make_channel(std::size_t place) {
  return std::make_unique<HttpConnection>(*this, place);
}

Awaitable<error_code> HttpConnection::open(Duration timeout) {
  if (abandoned_) co_return asio::error::operation_aborted;
  client_.deadlines.arm(*this, client_.clock.now() + timeout);
  expired_ = false;
  auto error = co_await connect();
  disarm();
  if (error) close();
  if (expired_) error = asio::error::timed_out;
  co_return error;
}

Awaitable<Exchange> HttpConnection::exchange(std::string_view request, Duration timeout) {
  Exchange result;
  result.started = client_.clock.now();
  expired_ = cut_ = false;
  if (!abandoned_) client_.deadlines.arm(*this, result.started + timeout);
  if (socket_.is_open() && result.started - last_answer_ > idle_check_after && closed_while_idle()) close();

  HttpResponse response;
  bool may_have_happened = false;
  for (bool again = true; again && !abandoned_ && !expired_;) {
    again = false;
    bool const reused = socket_.is_open();
    wrote_ = answering_ = false;
    error_code error;
    if (!reused) error = co_await connect();
    if (!error) error = co_await write(request);
    if (!error) error = co_await read(response);
    if (!error) break;
    close();
    may_have_happened = may_have_happened || wrote_;
    if (reused && !answering_ && client_.clock.now() - result.started < stale_window && !abandoned_ && !expired_ && !cut_) {
      again = true;
      ++client_.requests_repeated;
    }
  }
  disarm();
  last_answer_ = result.finished = client_.clock.now();

  switch (response.state) {
    case HttpResponse::State::complete:
      result.status = response.status;
      result.body = response.body;
      result.fate = fate_of_answer(response.status, response.body);
      if (!response.keep_alive) close();
      break;
    case HttpResponse::State::broken:
      result.problem = response.problem;
      result.fate = Fate::in_doubt;
      close();
      break;
    case HttpResponse::State::incomplete:
      result.fate = abandoned_          ? Fate::abandoned
                    : expired_          ? Fate::timed_out
                    : may_have_happened ? Fate::in_doubt
                                        : Fate::unavailable;
      break;
  }
  co_return result;
}

void HttpConnection::abandon() {
  abandoned_ = true;
  unlink();  // a disarmed entry would keep the wheel turning until its slot comes round
  close();
}

void HttpConnection::cut() {
  cut_ = true;
  close();
}

void HttpConnection::expired() {
  expired_ = true;
  close();
}

Awaitable<error_code> HttpConnection::connect() {
  error_code error;
  for (bool again = true; again;) {
    again = false;
    auto const& server = client_.servers[server_];
    error = open_socket(server);
    if (error) co_return error;
    auto const source = client_.source;
    std::tie(error) = co_await socket_.async_connect(server, as_result);
    // A time-out that fires when the connection stands already, but before this resumes, has closed it.
    if (!error && !socket_.is_open()) error = asio::error::operation_aborted;
    if (error == boost::system::errc::address_not_available && socket_.is_open()) {
      close();
      again = source != client_.source || client_.take_next_source();
    }
  }
  if (error) {
    server_ = (server_ + 1) % client_.servers.size();
    co_return error;
  }
  socket_.set_option(asio::ip::tcp::no_delay{true}, error);
  if (!error) ++client_.connections_opened;
  co_return error;
}

error_code HttpConnection::open_socket(asio::ip::tcp::endpoint const& server) {
  error_code error;
  socket_.open(server.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (error || client_.source.is_unspecified()) return error;
  // The port is chosen when connecting: one that only has to be free towards that server.
  using BindAddressNoPort = asio::detail::socket_option::boolean<IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT>;
  socket_.set_option(BindAddressNoPort{true}, error);
  if (!error) socket_.bind({client_.source, 0}, error);
  return error;
}

Awaitable<error_code> HttpConnection::write(std::string_view request) {
  error_code error;
  std::size_t const sent = socket_.write_some(asio::buffer(request), error);
  wrote_ = sent > 0;
  if (error == asio::error::would_block) error = {};
  if (error || sent == request.size()) co_return error;
  auto const rest = asio::buffer(request.substr(sent));
  auto const [write_error, bytes] = co_await asio::async_write(socket_, rest, as_result);
  wrote_ = wrote_ || bytes > 0;
  co_return write_error;
}

Awaitable<error_code> HttpConnection::read(HttpResponse& response) {
  partial_.clear();
  if (partial_.capacity() > largest_partial_kept) partial_.shrink_to_fit();
  for (;;) {
    error_code error;
    std::tie(error) = co_await socket_.async_wait(TcpSocket::wait_read, as_result);
    if (!error && !socket_.is_open()) error = asio::error::operation_aborted;
    if (error) co_return error;
    std::size_t const count = socket_.read_some(asio::buffer(client_.buffer), error);
    if (error == asio::error::would_block) continue;
    if (error) co_return error;
    answering_ = true;
    std::string_view bytes{client_.buffer.data(), count};
    if (!partial_.empty()) bytes = partial_.append(bytes);
    response = parse_http_response(bytes);
    if (response.state != HttpResponse::State::incomplete) co_return error;
    if (partial_.empty()) partial_.assign(bytes);
  }
}

bool HttpConnection::closed_while_idle() const {
  char byte = 0;
  auto const count = ::recv(const_cast<TcpSocket&>(socket_).native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);  // unasked bytes are as bad as an end
}

void HttpConnection::close() {
  error_code ignored;  // closing a socket that is broken already can't be made better
  socket_.close(ignored);
}

}  // namespace assay
