// The real coordinator as a child process over the memory backend, and blocking HTTP clients to talk to it. Every
// integration test of the coordinator starts from here. Easy to get wrong: a client's connection is kept alive, so that
// two requests at once need two clients.
#pragma once

#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"
#include "reference_coordinator/protocol/protocol.hpp"
#include "reference_coordinator/protocol/stats.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::test {

namespace http = boost::beast::http;

inline constexpr std::string_view submitter = "submitter-token";
inline constexpr std::string_view linux_runner = "linux-token";      // offers linux, arm64
inline constexpr std::string_view windows_runner = "windows-token";  // offers windows
inline constexpr std::string_view plain_runner = "plain-token";      // offers nothing

// Limit for whatever must happen "at once" on a loaded machine.
inline constexpr Duration patience = seconds{20};

using Reply = http::response<http::string_body>;

class Client {
 public:
  explicit Client(std::uint16_t port);

  // Throws boost::system::system_error when the connection breaks.
  Reply ask(http::verb method, std::string const& target, std::string_view token, std::string body = {});
  Reply get(std::string const& target, std::string_view token) { return ask(http::verb::get, target, token); }
  Reply post(std::string const& target, std::string_view token, std::string body) {
    return ask(http::verb::post, target, token, std::move(body));
  }

  void send(http::verb method, std::string const& target, std::string_view token, std::string body = {});
  void send_raw(std::string_view bytes);
  Reply receive();
  bool closed_by_peer();  // waits for it, at most `patience`; false when something else comes
  asio::ip::tcp::socket& socket() { return socket_; }

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
};

class Coordinator {
 public:
  explicit Coordinator(std::vector<std::string> arguments = {});

  Client client() const { return Client{port_}; }
  std::uint16_t port() const { return port_; }
  ChildProcess& process() { return *process_; }
  std::filesystem::path const& folder() const { return folder_; }
  std::string const& ready_line() const { return ready_line_; }
  std::string log() const;

  // Waits until `what(stats)` holds; fails the test when it does not in time.
  protocol::CoordinatorStats wait_for(std::function<bool(protocol::CoordinatorStats const&)> const& what);
  void wait_for_parked(std::uint64_t polls) {
    wait_for([=](auto const& stats) { return stats.parked_polls == polls; });
  }

 private:
  PrivateFolder place_;
  std::filesystem::path folder_;
  std::optional<ChildProcess> process_;
  std::string ready_line_;
  std::uint16_t port_ = 0;
};

// Runs the program to its end.
struct Ending {
  ChildExit exit;
  std::string log;
};
Ending run_program(std::vector<std::string> arguments);

// A file with the identities above, in `folder`.
std::filesystem::path write_identities(std::filesystem::path const& folder);

// Shorthands for the happy path; each fails the test and throws when the answer is not what it must be.
RunId submit(Client& client, std::string payload, std::vector<std::string> tags = {}, int priority = 0);
protocol::AssignedRun claim_one(Client& client, std::string_view runner, std::string_view wait = "20s");
std::string error_detail(Reply const& reply);

}  // namespace assay::test
