#include "tests/integration/coordinator_fixture.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <sys/socket.h>

#include <fstream>
#include <functional>
#include <sstream>

namespace assay::test {

namespace {

std::string read_file(std::filesystem::path const& file) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

ChildCommand command_of(std::vector<std::string> arguments, std::filesystem::path log) {
  ChildCommand command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), ASSAY_COORDINATOR);
  command.log = std::move(log);
  return command;
}

}  // namespace

Client::Client(std::uint16_t port) : socket_{context_} {
  socket_.connect({asio::ip::address_v4::loopback(), port});
  socket_.set_option(asio::ip::tcp::no_delay{true});
}

void Client::send(http::verb method, std::string const& target, std::string_view token, std::string body) {
  http::request<http::string_body> request{method, target, 11};
  request.set(http::field::host, "127.0.0.1");
  if (!token.empty()) request.set(http::field::authorization, fmt::format("Bearer {}", token));
  request.body() = std::move(body);
  request.prepare_payload();
  http::write(socket_, request);
}

void Client::send_raw(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }

Reply Client::receive() {
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::uint64_t{256} << 20U);
  http::read(socket_, buffer_, parser);
  return parser.release();
}

Reply Client::ask(http::verb method, std::string const& target, std::string_view token, std::string body) {
  send(method, target, token, std::move(body));
  return receive();
}

bool Client::closed_by_peer() {
  char byte;
  boost::system::error_code error;
  socket_.read_some(asio::buffer(&byte, 1), error);
  return error == asio::error::eof || error == asio::error::connection_reset;
}

std::filesystem::path write_identities(std::filesystem::path const& folder) {
  auto const file = folder / "identities.json";
  std::ofstream{file} << fmt::format(
      R"({{"runners":[{{"token":"{}","name":"linux-1","tags":["linux","arm64"]}},{{"token":"{}","name":"windows-1","tags":["windows"]}},)"
      R"({{"token":"{}","name":"plain-1"}}],"submitters":[{{"token":"{}","name":"submitter-1"}}]}})",
      linux_runner, windows_runner, plain_runner, submitter);
  return file;
}

Coordinator::Coordinator(std::vector<std::string> arguments)
    : place_{std::filesystem::temp_directory_path(), "assay-coordinator-test-"}, folder_{place_.path()} {
  arguments.insert(arguments.begin(), {"--listen", "127.0.0.1:0", "--identities", write_identities(folder_).string(),
                                       "--log-level", "info"});
  process_.emplace(command_of(std::move(arguments), folder_ / "log"));
  auto const line = process_->wait_for_line("{\"listening\"", SystemClock{}.now() + patience);
  if (!line) throw std::runtime_error{"the coordinator did not get ready:\n" + log()};
  ready_line_ = *line;
  std::string const listening{boost::json::parse(ready_line_).at("listening").as_string()};
  port_ = static_cast<std::uint16_t>(std::stoi(listening.substr(listening.rfind(':') + 1)));
}

std::string Coordinator::log() const { return read_file(folder_ / "log"); }

protocol::CoordinatorStats Coordinator::wait_for(std::function<bool(protocol::CoordinatorStats const&)> const& what) {
  Client asking = client();
  TimePoint const deadline = SystemClock{}.now() + patience;
  for (;;) {
    auto stats = protocol::decode_stats(asking.get("/stats", "").body());
    if (!stats) throw std::runtime_error{to_string(stats.error())};
    if (what(*stats)) return *stats;
    if (SystemClock{}.now() > deadline)
      throw std::runtime_error{"waited in vain; the last statistics: " + encode(*stats)};
  }
}

Ending run_program(std::vector<std::string> arguments) {
  PrivateFolder const place{std::filesystem::temp_directory_path(), "assay-coordinator-test-"};
  ChildProcess process{command_of(std::move(arguments), place.path() / "log")};
  auto const exit = process.wait_until(SystemClock{}.now() + patience);
  if (!exit) throw std::runtime_error{"the program did not end"};
  return {*exit, read_file(place.path() / "log")};
}

RunId submit(Client& client, std::string payload, std::vector<std::string> tags, int priority) {
  protocol::Submission submission;
  submission.payload = std::move(payload);
  submission.tags = TagSet{std::move(tags)};
  submission.priority = priority;
  Reply const reply = client.post("/runs", submitter, encode(submission));
  EXPECT_EQ(reply.result_int(), 201U) << reply.body();
  return protocol::decode_submission_answer(reply.body()).value().id;
}

protocol::AssignedRun claim_one(Client& client, std::string_view runner, std::string_view wait) {
  Reply const reply = client.get(fmt::format("/runner/runs?wait={}", wait), runner);
  EXPECT_EQ(reply.result_int(), 200U) << reply.body();
  auto runs = protocol::decode_assigned_runs(reply.body()).value();
  if (runs.size() != 1) throw std::runtime_error{fmt::format("{} runs instead of one", runs.size())};
  return std::move(runs.front());
}

std::string error_detail(Reply const& reply) { return protocol::decode_error(reply.body()).detail; }

}  // namespace assay::test
