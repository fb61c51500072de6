// The backend "sqlite": RunFile behind the ClaimStore interface, on a Writer's thread. Every call takes the time when
// it is made, on the event loop.
#include "reference_coordinator/backends/sqlite/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace assay {

namespace {

using sqlite::RunFile;
using sqlite::Trouble;
using sqlite::Writer;
using Outcomes = std::vector<Outcome>;

constexpr std::size_t max_items_per_call = 10'000;

class SqliteStore final : public ClaimStore {
 public:
  SqliteStore(Executor executor, Clock const& clock, std::unique_ptr<RunFile> file)
      : clock_{clock}, writer_{std::make_unique<Writer>(executor, std::move(file))} {}

  void remove_when_closed(std::filesystem::path file) { temporary_ = std::move(file); }

  Awaitable<Result<Outcomes>> submit(std::vector<RunSpec> runs) override {
    return each(std::move(runs),
                [now = clock_.now()](RunFile& file, RunSpec const& run) { return file.submit(run, now); });
  }

  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    std::size_t const count = demands.size();
    TimePoint const now = clock_.now();
    auto work = [demands = std::move(demands), lease, now](RunFile& file) { return file.claim(demands, lease, now); };
    Result<std::vector<Claim>> claims = co_await on_file<std::vector<Claim>>(count, std::move(work));
    counters_.claim_attempts += std::max<std::size_t>(1, claims ? claims->size() : 0);
    co_return claims;
  }

  Awaitable<Result<Outcomes>> renew(std::vector<ClaimRef> claims, Duration lease) override {
    return each(std::move(claims), [lease, now = clock_.now()](RunFile& file, ClaimRef const& claim) {
      return file.renew(claim, lease, now);
    });
  }

  Awaitable<Result<Outcomes>> complete(std::vector<Completion> completions) override {
    return each(std::move(completions), [now = clock_.now()](RunFile& file, Completion const& completion) {
      return file.complete(completion, now);
    });
  }

  Awaitable<Result<Outcomes>> fail(std::vector<FailedAttempt> failures) override {
    return each(std::move(failures),
                [now = clock_.now()](RunFile& file, FailedAttempt const& failure) { return file.fail(failure, now); });
  }

  Awaitable<Result<Outcomes>> release(std::vector<ClaimRef> claims) override {
    return each(std::move(claims),
                [now = clock_.now()](RunFile& file, ClaimRef const& claim) { return file.release(claim, now); });
  }

  Awaitable<Result<SweepResult>> sweep(std::size_t max) override {
    return on_file<SweepResult>(0, [max, now = clock_.now()](RunFile& file) { return file.sweep(max, now); });
  }

  Awaitable<Result<Depth>> depth() override {
    return read<Depth>([now = clock_.now()](RunFile& file) { return file.depth(now); });
  }

  Awaitable<Result<std::optional<RunView>>> find(RunId id) override {
    return read<std::optional<RunView>>([id](RunFile& file) { return file.find(id); });
  }

  StoreCounters counters() const override { return counters_; }
  std::size_t pending_writes() const override { return writer_->pending(); }

  Awaitable<void> close() override {
    co_await writer_->drained();
    writer_.reset();  // the last one to close the file empties its log
    std::error_code ignored;
    if (temporary_) {
      for (char const* part : {"", "-wal", "-shm"}) std::filesystem::remove(temporary_->string() + part, ignored);
    }
  }

 private:
  template <class T>
  Awaitable<Result<T>> on_file(std::size_t items, std::function<T(RunFile&)> work) {
    if (items > max_items_per_call) {
      co_return Error{ErrorKind::rejected,
                      fmt::format("{} items in one call, at most {} are allowed", items, max_items_per_call)};
    }
    Result<T> result = co_await writer_->run<T>(std::move(work));
    co_return result;
  }

  template <class Item, class Answer>
  Awaitable<Result<Outcomes>> each(std::vector<Item> items, Answer answer) {
    std::size_t const count = items.size();
    return on_file<Outcomes>(count, [items = std::move(items), answer](RunFile& file) {
      Outcomes outcomes;
      outcomes.reserve(items.size());
      for (Item const& item : items) outcomes.push_back(answer(file, item));
      return outcomes;
    });
  }

  template <class T>
  Awaitable<Result<T>> read(std::function<T(RunFile&)> work) {
    Result<T> result = co_await writer_->run<T>(std::move(work));
    if (!result && result.error().kind == ErrorKind::in_doubt) {  // about a question there is no doubt
      Error error{ErrorKind::unavailable, result.error().detail};
      co_return error;
    }
    co_return result;
  }

  Clock const& clock_;
  std::unique_ptr<Writer> writer_;
  std::optional<std::filesystem::path> temporary_;
  StoreCounters counters_;
};

// Blocks for as long as creating a file takes; nothing is being served yet.
Awaitable<Result<OpenedStore>> open_sqlite(asio::io_context& context, Clock const& clock, StoreOptions options) {
  if (options.url.empty()) {
    co_return Error{ErrorKind::misconfigured, "a file is needed, for instance --store-url runs.sqlite"};
  }
  if (options.url.find("://") != std::string::npos) {
    co_return Error{ErrorKind::misconfigured, fmt::format("'{}' is no file name", options.url)};
  }
  std::error_code ignored;
  if (options.temporary && std::filesystem::exists(options.url, ignored)) {
    co_return Error{ErrorKind::misconfigured,
                    fmt::format("'{}' is there already: give another file, or remove it", options.url)};
  }
  try {
    auto file = std::make_unique<RunFile>(options.url, options.retry);
    OpenedStore opened;
    opened.facts = file->facts();
    auto store = std::make_unique<SqliteStore>(context.get_executor(), clock, std::move(file));
    if (options.temporary) store->remove_when_closed(options.url);
    opened.store = std::move(store);
    co_return opened;
  } catch (Trouble const& trouble) {
    co_return to_error(trouble, false);
  }
}

}  // namespace

Backend backend_sqlite() {
  Backend backend;
  backend.name = "sqlite";
  backend.description = "a file of the coordinator's own: durable without a server, for coordinators on one machine";
  backend.service = "file";
  backend.capabilities.durability = Capabilities::Durability::disk;
  backend.capabilities.several_coordinators = true;
  backend.capabilities.wake = Capabilities::Wake::polled;
  backend.open = open_sqlite;
  return backend;
}

}  // namespace assay
