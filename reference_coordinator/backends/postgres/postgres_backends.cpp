// The two backends of this folder, for the registry. They share the connection code, and each has a schema of its own.
#include "reference_coordinator/backends/postgres/batch_store.hpp"
#include "reference_coordinator/backends/postgres/skip_locked_store.hpp"

namespace assay {

namespace {

template <class Store>
Backend postgres_backend(std::string name, std::string description) {
  Backend backend;
  backend.name = std::move(name);
  backend.description = std::move(description);
  backend.service = "postgresql";
  backend.capabilities.durability = Capabilities::Durability::disk;
  backend.capabilities.several_coordinators = true;
  backend.capabilities.wake = Capabilities::Wake::polled;
  backend.open = [](asio::io_context& context, Clock const&, StoreOptions options) {
    return Store::open(context.get_executor(), std::move(options));
  };
  return backend;
}

}  // namespace

Backend backend_postgres_batch() {
  return postgres_backend<postgres::BatchStore>(
      "postgres-batch", "PostgreSQL the fast way: narrow hot tables, self-growing batches, pipelined connections");
}

Backend backend_postgres_skip_locked() {
  return postgres_backend<postgres::SkipLockedStore>(
      "postgres-skip-locked",
      "PostgreSQL as most people use it: one table, FOR UPDATE SKIP LOCKED, one run per transaction");
}

}  // namespace assay
