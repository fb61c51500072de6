// The backends of this folder, for the registry. They share the connection code, and each has a schema of its own.
#include "reference_coordinator/backends/postgres/batch_store.hpp"
#include "reference_coordinator/backends/postgres/cas_store.hpp"
#include "reference_coordinator/backends/postgres/optimistic_store.hpp"
#include "reference_coordinator/backends/postgres/skip_locked_store.hpp"
#include "reference_coordinator/backends/postgres/wake_up.hpp"

#include <algorithm>

namespace assay {

namespace {

template <class Store>
Awaitable<Result<OpenedStore>> open_with_wake_up(Executor executor, StoreOptions options, std::string channel) {
  std::string const url = options.url;
  Duration const patience = options.patience;
  Result<OpenedStore> opened = co_await Store::open(executor, std::move(options));
  if (!opened) co_return opened.error();
  Result<std::unique_ptr<WakeUp>> wake_up =
      co_await postgres::open_wake_up(executor, url, std::move(channel), patience);
  if (!wake_up) {
    co_await opened->store->close();
    co_return wake_up.error();
  }
  opened->wake_up = *std::move(wake_up);
  co_return opened;
}

template <class Store>
Backend postgres_backend(std::string name, std::string description) {
  Backend backend;
  backend.name = std::move(name);
  backend.description = std::move(description);
  backend.service = "postgresql";
  backend.capabilities.durability = Capabilities::Durability::disk;
  backend.capabilities.several_coordinators = true;
  backend.capabilities.wake = Capabilities::Wake::notified;
  std::string channel = backend.name;
  std::replace(channel.begin(), channel.end(), '-', '_');
  backend.open = [channel](asio::io_context& context, Clock const&, StoreOptions options) {
    return open_with_wake_up<Store>(context.get_executor(), std::move(options), channel);
  };
  return backend;
}

}  // namespace

Backend backend_postgres_batch() {
  Backend backend = postgres_backend<postgres::BatchStore>(
      "postgres-batch", "PostgreSQL the fast way: narrow hot tables, self-growing batches, pipelined connections");
  backend.capabilities.sync_match = true;
  return backend;
}

Backend backend_postgres_skip_locked() {
  return postgres_backend<postgres::SkipLockedStore>(
      "postgres-skip-locked",
      "PostgreSQL as most people use it: one table, FOR UPDATE SKIP LOCKED, one run per transaction");
}

Backend backend_postgres_optimistic() {
  return postgres_backend<postgres::OptimisticStore>(
      "postgres-optimistic", "PostgreSQL polled by orchestrators: one conditional UPDATE claims up to ten runs");
}

Backend backend_postgres_cas() {
  Backend backend = postgres_backend<postgres::CasStore>(
      "postgres-cas", "PostgreSQL behind gateways: look for a pending run, then claim that row by compare-and-swap");
  backend.capabilities.longest_lease = postgres::CasStore::claim_deadline;
  return backend;
}

}  // namespace assay
