// The backends "file-scan" and "file-index": FileQueue behind the ClaimStore interface, on a Worker's thread.
#include "reference_coordinator/backends/file/worker.hpp"

#include <fmt/format.h>

#include <utility>

namespace assay {

namespace {

using file::FileQueue;
using file::Trouble;
using file::Worker;
using Outcomes = std::vector<Outcome>;

constexpr std::size_t max_items_per_call = 10'000;

class FileStore final : public ClaimStore {
 public:
  FileStore(Executor executor, std::unique_ptr<FileQueue> queue)
      : worker_{std::make_unique<Worker>(executor, std::move(queue))} {}

  void remove_when_closed(std::filesystem::path folder) { temporary_ = std::move(folder); }

  Awaitable<Result<Outcomes>> submit(std::vector<RunSpec> runs) override {
    std::size_t const count = runs.size();
    return ask<Outcomes>(count, true, [runs = std::move(runs)](FileQueue& queue) { return queue.submit(runs); });
  }
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override {
    std::size_t const count = demands.size();
    return ask<std::vector<Claim>>(
        count, false, [demands = std::move(demands), lease](FileQueue& queue) { return queue.claim(demands, lease); });
  }
  Awaitable<Result<Outcomes>> renew(std::vector<ClaimRef> claims, Duration lease) override {
    std::size_t const count = claims.size();
    return ask<Outcomes>(count, false,
                         [claims = std::move(claims), lease](FileQueue& queue) { return queue.renew(claims, lease); });
  }
  Awaitable<Result<Outcomes>> complete(std::vector<Completion> completions) override {
    std::size_t const count = completions.size();
    return ask<Outcomes>(
        count, true, [completions = std::move(completions)](FileQueue& queue) { return queue.complete(completions); });
  }
  Awaitable<Result<Outcomes>> fail(std::vector<FailedAttempt> failures) override {
    std::size_t const count = failures.size();
    return ask<Outcomes>(count, true,
                         [failures = std::move(failures)](FileQueue& queue) { return queue.fail(failures); });
  }
  Awaitable<Result<Outcomes>> release(std::vector<ClaimRef> claims) override {
    std::size_t const count = claims.size();
    return ask<Outcomes>(count, false,
                         [claims = std::move(claims)](FileQueue& queue) { return queue.release(claims); });
  }
  Awaitable<Result<SweepResult>> sweep(std::size_t max) override {
    return ask<SweepResult>(0, false, [max](FileQueue& queue) { return queue.sweep(max); });
  }
  Awaitable<Result<Depth>> depth() override {
    return ask<Depth>(0, false, [](FileQueue& queue) { return queue.depth(); });
  }
  Awaitable<Result<std::optional<RunView>>> find(RunId id) override {
    return ask<std::optional<RunView>>(0, false, [id](FileQueue& queue) { return queue.find(id); });
  }

  StoreCounters counters() const override { return worker_->counters(); }
  std::size_t pending_writes() const override { return worker_->pending(); }

  Awaitable<void> close() override {
    co_await worker_->drained();
    worker_.reset();
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(*temporary_, ignored);
  }

 private:
  template <class T>
  Awaitable<Result<T>> ask(std::size_t items, bool reports, std::function<T(FileQueue&)> work) {
    if (items > max_items_per_call) {
      co_return Error{ErrorKind::rejected,
                      fmt::format("{} items in one call, at most {} are allowed", items, max_items_per_call)};
    }
    Result<T> result = co_await worker_->run<T>(std::move(work), reports);
    co_return result;
  }

  std::unique_ptr<Worker> worker_;
  std::optional<std::filesystem::path> temporary_;
};

// Blocks for as long as looking at the folder takes; nothing is being served yet.
Awaitable<Result<OpenedStore>> open_folder(asio::io_context& context, StoreOptions options, FileQueue::Kind kind) {
  if (options.url.empty()) {
    co_return Error{ErrorKind::misconfigured, "a folder is needed, for instance --store-url queue"};
  }
  if (options.url.find("://") != std::string::npos) {
    co_return Error{ErrorKind::misconfigured, fmt::format("'{}' is no folder's name", options.url)};
  }
  std::error_code ignored;
  if (options.temporary && std::filesystem::exists(options.url, ignored)) {
    co_return Error{ErrorKind::misconfigured,
                    fmt::format("'{}' is there already: give another folder, or remove it", options.url)};
  }
  try {
    auto queue = std::make_unique<FileQueue>(options.url, kind, options.retry);
    OpenedStore opened;
    opened.facts = queue->facts();
    auto store = std::make_unique<FileStore>(context.get_executor(), std::move(queue));
    if (options.temporary) store->remove_when_closed(options.url);
    opened.store = std::move(store);
    co_return opened;
  } catch (Trouble const& trouble) {
    co_return file::to_error(trouble);
  }
}

Awaitable<Result<OpenedStore>> open_scan(asio::io_context& context, Clock const&, StoreOptions options) {
  return open_folder(context, std::move(options), FileQueue::Kind::scan);
}
Awaitable<Result<OpenedStore>> open_index(asio::io_context& context, Clock const&, StoreOptions options) {
  return open_folder(context, std::move(options), FileQueue::Kind::index);
}

}  // namespace

Backend backend_file_scan() {
  Backend backend;
  backend.name = "file-scan";
  backend.description = "a folder of files as people write it: each claim lists and sorts the queue, then renames";
  backend.service = "file";
  backend.capabilities.durability = Capabilities::Durability::disk;
  backend.capabilities.several_coordinators = true;
  backend.capabilities.wake = Capabilities::Wake::polled;
  backend.capabilities.batch_limit = 16;  // each claim of a batch looks at the whole folder
  backend.open = open_scan;
  return backend;
}

Backend backend_file_index() {
  Backend backend;
  backend.name = "file-index";
  backend.description =
      "the same folder with one owner, who knows what is in it: no scan, and one sync for many reports";
  backend.service = "file";
  backend.capabilities.durability = Capabilities::Durability::disk;
  backend.capabilities.wake = Capabilities::Wake::native;
  backend.open = open_index;
  return backend;
}

}  // namespace assay
