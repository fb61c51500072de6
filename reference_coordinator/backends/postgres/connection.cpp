#include "reference_coordinator/backends/postgres/connection.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <map>

namespace assay::postgres {

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Settings = std::map<std::string, std::string>;

std::string first_line(std::string_view message) {
  std::string_view line = message.substr(0, message.find('\n'));
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  return std::string{line};
}

// What the server said about a statement: the classes of SQLSTATE that lead to different actions.
Error error_of(PGresult const* result) {
  char const* const field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (field == nullptr) return {ErrorKind::in_doubt, first_line(PQresultErrorMessage(result))};  // libpq's own: cut off
  std::string_view const state{field};
  std::string_view const group = state.substr(0, 2);
  ErrorKind kind = ErrorKind::rejected;
  if (group == "08" || group == "53" || group == "57" || group == "40" || group == "58" || state == "55P03") {
    kind = ErrorKind::unavailable;  // connection, no resources, shutdown, rolled back by a conflict, input/output, lock
  } else if (group == "42" || group == "3D" || group == "3F" || group == "28" || state == "25006") {
    kind = ErrorKind::misconfigured;  // missing table or privilege, database, schema, authorization; read-only
  } else if (group == "22" || group == "XX") {
    kind = ErrorKind::broken_protocol;
  }
  char const* const primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return {kind, fmt::format("{} (SQLSTATE {})", primary != nullptr ? primary : "error", state)};
}

// libpq gives no SQLSTATE for a connection that was refused, so these are known by their (untranslated) words.
ErrorKind kind_of_refusal(std::string_view message) {
  for (std::string_view lasting : {"authentication failed", "no password supplied", "does not exist", "pg_hba.conf",
                                   "is not permitted to log in", "permission denied for database", "invalid "}) {
    if (message.find(lasting) != std::string_view::npos) return ErrorKind::misconfigured;
  }
  return ErrorKind::unavailable;
}

Result<Settings> parse_url(std::string const& url) {
  char* complaint = nullptr;
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> const options{PQconninfoParse(url.c_str(), &complaint),
                                                                             PQconninfoFree};
  if (!options) {
    std::unique_ptr<char, decltype(&PQfreemem)> const text{complaint, PQfreemem};
    return Error{ErrorKind::misconfigured,
                 fmt::format("bad PostgreSQL URL: {}", text ? first_line(text.get()) : "out of memory")};
  }
  Settings settings;
  for (PQconninfoOption const* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings[option->keyword] = option->val;
  }
  // A peer that vanished without a word is noticed within about 15 s, not after hours. The URL may say otherwise.
  for (auto const& [name, value] : Settings{{"application_name", "assay"},
                                            {"keepalives_idle", "5"},
                                            {"keepalives_interval", "3"},
                                            {"keepalives_count", "3"},
                                            {"tcp_user_timeout", "15000"}}) {
    settings.try_emplace(name, value);
  }
  return settings;
}

bool is_name_to_resolve(std::string const& host) {
  if (host.empty() || host.front() == '/' || host.find(',') != std::string::npos) return false;
  boost::system::error_code not_numeric;
  asio::ip::make_address(host, not_numeric);
  return static_cast<bool>(not_numeric);
}

Awaitable<std::optional<Error>> resolve_host(Executor executor, Settings& settings) {
  auto const host = settings.find("host");
  if (host == settings.end() || settings.contains("hostaddr") || !is_name_to_resolve(host->second))
    co_return std::nullopt;
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver{executor};
  auto const [error, found] = co_await resolver.async_resolve(host->second, "", as_result);
  if (error) {
    Error unknown{ErrorKind::unavailable, fmt::format("PostgreSQL's host '{}': {}", host->second, error.message())};
    co_return unknown;
  }
  settings["hostaddr"] = found.begin()->endpoint().address().to_string();
  co_return std::nullopt;
}

}  // namespace

Connection::Connection(Executor executor, Duration answer_patience, std::function<void()> notified)
    : executor_{executor},
      answer_patience_{answer_patience},
      notified_{std::move(notified)},
      socket_{executor},
      broken_{executor} {}

Connection::~Connection() { close(); }

Awaitable<Result<std::shared_ptr<Connection>>> Connection::open(Executor executor, ConnectOptions options) {
  std::shared_ptr<Connection> const connection{new Connection{executor, options.answer_patience, options.notified}};
  std::optional<Error> error = co_await connection->connect(options);
  if (error) {
    connection->close();
    co_return *std::move(error);
  }
  asio::co_spawn(executor, read_loop(connection), asio::detached);

  Batch session;
  for (std::string const& sql : options.session) session.push_back({"", {}, sql});
  if (!session.empty()) {
    Result<std::vector<Rows>> set = co_await connection->run(std::move(session));
    if (!set) co_return set.error();
    if (connection->notified_) connection->notified_();
  }
  std::shared_ptr<Pending> pending = connection->send(options.statements);
  Result<std::vector<Rows>> prepared = co_await connection->answer(std::move(pending));
  if (!prepared) co_return prepared.error();
  co_return connection;
}

Awaitable<std::optional<Error>> Connection::connect(ConnectOptions const& options) {
  auto const self = shared_from_this();
  Result<Settings> settings = parse_url(options.url);
  if (!settings) co_return settings.error();
  std::optional<Error> unresolved = co_await resolve_host(executor_, *settings);
  if (unresolved) co_return unresolved;

  std::vector<char const*> keywords;
  std::vector<char const*> values;
  for (auto const& [keyword, value] : *settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  handle_ = PQconnectStartParams(keywords.data(), values.data(), 0);
  if (handle_ == nullptr) co_return Error{ErrorKind::unavailable, "out of memory"};

  enum class Progress { connecting, late, over };
  auto const progress = std::make_shared<Progress>(Progress::connecting);  // the timer's handler may outlive this frame
  Timer timer{executor_, std::chrono::steady_clock::now() + options.patience};
  timer.async_wait([self, progress](boost::system::error_code stopped) {
    if (stopped || *progress == Progress::over) return;
    *progress = Progress::late;
    boost::system::error_code ignored;
    self->socket_.cancel(ignored);
  });
  PostgresPollingStatusType next = PQstatus(handle_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
    if (!socket_.is_open()) socket_.assign(PQsocket(handle_));
    auto const kind = next == PGRES_POLLING_READING ? Descriptor::wait_read : Descriptor::wait_write;
    auto const [error] = co_await socket_.async_wait(kind, as_result);
    if (error || *progress == Progress::late) break;
    // libpq may close this descriptor and open another (the next address of a host), even under the same number.
    socket_.release();
    next = PQconnectPoll(handle_);
  }
  timer.cancel();
  if (std::exchange(*progress, Progress::over) == Progress::late) {
    Error error{ErrorKind::timed_out,
                fmt::format("PostgreSQL did not answer within {} when connecting", format_duration(options.patience))};
    co_return error;
  }
  if (next != PGRES_POLLING_OK) {
    std::string const message = first_line(PQerrorMessage(handle_));
    Error error{kind_of_refusal(message), message};
    co_return error;
  }
  if (!socket_.is_open()) socket_.assign(PQsocket(handle_));
  server_version_ = PQserverVersion(handle_);
  PQsetNoticeProcessor(
      handle_, [](void*, char const*) {}, nullptr);  // "relation already exists, skipping" is no news
  if (PQsetnonblocking(handle_, 1) != 0 || PQenterPipelineMode(handle_) == 0) {
    Error error{ErrorKind::broken_protocol, first_line(PQerrorMessage(handle_))};
    co_return error;
  }
  co_return std::nullopt;
}

Awaitable<Result<std::vector<Rows>>> Connection::run(Batch batch) {
  if (!alive()) co_return Error{ErrorKind::unavailable, why_broken_};
  std::shared_ptr<Pending> pending = send(batch);
  Result<std::vector<Rows>> rows = co_await answer(std::move(pending));
  co_return rows;
}

std::shared_ptr<Connection::Pending> Connection::send(Batch const& batch) {
  std::vector<char const*> values;
  std::vector<int> lengths;
  bool queued = true;
  for (Command const& command : batch) {
    values.clear();
    lengths.clear();
    for (std::string const& parameter : command.parameters) {
      values.push_back(parameter.data());
      lengths.push_back(static_cast<int>(parameter.size()));
    }
    int const count = static_cast<int>(values.size());
    std::vector<int> const binary(values.size(), 1);
    int const sent = command.sql.empty() ? PQsendQueryPrepared(handle_, command.statement.c_str(), count, values.data(),
                                                               lengths.data(), binary.data(), 1)
                                         : PQsendQueryParams(handle_, command.sql.c_str(), count, nullptr,
                                                             values.data(), lengths.data(), binary.data(), 1);
    queued = queued && sent != 0;
  }
  return sync(batch.size(), queued);
}

std::shared_ptr<Connection::Pending> Connection::send(std::vector<Prepared> const& statements) {
  bool queued = true;
  for (Prepared const& statement : statements) {
    queued = queued && PQsendPrepare(handle_, statement.name.c_str(), statement.sql.c_str(), 0, nullptr) != 0;
  }
  return sync(statements.size(), queued);
}

std::shared_ptr<Connection::Pending> Connection::sync(std::size_t commands, bool queued) {
  auto pending = std::make_shared<Pending>(executor_, commands);
  pending_.push_back(pending);
  if (queued && PQpipelineSync(handle_) != 0) {
    flush();
  } else {
    break_off(first_line(PQerrorMessage(handle_)));
  }
  return pending;
}

Awaitable<Result<std::vector<Rows>>> Connection::answer(std::shared_ptr<Pending> pending) {
  auto const self = shared_from_this();
  TimePoint const deadline = std::chrono::steady_clock::now() + answer_patience_;
  while (!pending->done) {
    bool const notified = co_await pending->answered.wait_until(deadline);
    if (!notified && !pending->done) {
      break_off(fmt::format("PostgreSQL did not answer within {}", format_duration(answer_patience_)));
    }
  }
  if (pending->error) co_return *std::move(pending->error);
  co_return std::move(pending->rows);
}

Awaitable<void> Connection::read_loop(std::shared_ptr<Connection> self) {
  while (self->alive()) {
    auto const [error] = co_await self->socket_.async_wait(Descriptor::wait_read, as_result);
    if (!self->alive()) break;
    if (error || PQconsumeInput(self->handle_) == 0) {
      self->take_results();  // the server's last words may be an answer
      if (self->alive()) self->break_off(first_line(PQerrorMessage(self->handle_)));
      break;
    }
    self->take_results();
    self->take_notifications();
  }
}

void Connection::take_notifications() {
  bool heard = false;
  while (alive()) {
    std::unique_ptr<PGnotify, decltype(&PQfreemem)> const notification{PQnotifies(handle_), PQfreemem};
    if (!notification) break;
    heard = heard || notification->be_pid != PQbackendPID(handle_);  // our own come back, too
  }
  if (heard && notified_) notified_();
}

void Connection::take_results() {
  bool idle = false;
  while (alive() && !pending_.empty() && PQisBusy(handle_) == 0) {
    PGresult* const result = PQgetResult(handle_);
    if (result == nullptr) {  // the end of one command's results; twice in a row there is nothing to come
      if (std::exchange(idle, true)) break;
      continue;
    }
    idle = false;
    Pending& front = *pending_.front();
    switch (PQresultStatus(result)) {
      case PGRES_PIPELINE_SYNC:
        PQclear(result);
        front.done = true;
        front.answered.notify();
        pending_.pop_front();
        break;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK: front.rows.emplace_back(result); break;
      default: {
        bool const cut_off =
            PQstatus(handle_) == CONNECTION_BAD && PQresultErrorField(result, PG_DIAG_SQLSTATE) == nullptr;
        if (cut_off) {
          PQclear(result);
          break_off(first_line(PQerrorMessage(handle_)));
          return;
        }
        // Of a batch's errors the first one is the cause; the rest is "pipeline aborted".
        if (!front.error) {
          front.error = error_of(result);
          // Thrown out when every command had been answered: the commit may have gone through.
          bool const all_answered = front.rows.size() == front.expected;
          if (all_answered && front.error->kind == ErrorKind::unavailable) front.error->kind = ErrorKind::in_doubt;
        }
        PQclear(result);
      }
    }
  }
  if (alive() && PQstatus(handle_) == CONNECTION_BAD) break_off(first_line(PQerrorMessage(handle_)));
}

void Connection::flush() {
  int const left = PQflush(handle_);
  if (left < 0) {
    break_off(first_line(PQerrorMessage(handle_)));
  } else if (left > 0 && !writing_) {
    writing_ = true;
    socket_.async_wait(Descriptor::wait_write, [self = shared_from_this()](boost::system::error_code error) {
      self->writing_ = false;
      if (!error && self->alive()) self->flush();
    });
  }
}

void Connection::break_off(std::string why) {
  why_broken_ = why.empty() ? "the connection to PostgreSQL was closed" : std::move(why);
  if (socket_.is_open()) socket_.release();
  PQfinish(std::exchange(handle_, nullptr));
  for (std::shared_ptr<Pending> const& pending : std::exchange(pending_, {})) {
    // An error that the server had already told for this batch stands: it was rolled back.
    if (!pending->error) pending->error = Error{ErrorKind::in_doubt, why_broken_};
    pending->done = true;
    pending->answered.notify();
  }
  broken_.notify();
}

Awaitable<void> Connection::until_broken() {
  auto const self = shared_from_this();
  while (alive()) co_await broken_.wait_until();
}

void Connection::close() {
  if (alive()) break_off("the store was closed");
}

}  // namespace assay::postgres
