#include "reference_coordinator/backends/postgres/table_sql.hpp"

#include <fmt/format.h>

namespace assay::postgres {

namespace {

std::string of_schema(std::string const& sql, std::string const& schema) {
  return fmt::format(fmt::runtime(sql), schema);
}

}  // namespace

// state: RunState's numbers, 0 delayed, 1 ready, 2 claimed, 3 completed, 4 dead. said: what the token's holder
// reported, 1 completed or 2 failed. orchestrator: the epoch of who holds the run now. A claim changes `state`, which
// the indexes' predicates name, so no update here is HOT.
Schema table_schema(TableStrategy const& strategy) {
  Schema schema;
  schema.name = strategy.schema;
  schema.version = 2;
  schema.create = {
      "CREATE TABLE {0}.runs (id uuid PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY, "
      "state smallint NOT NULL, said smallint NOT NULL DEFAULT 0, priority smallint NOT NULL, required text[] NOT "
      "NULL, "
      "max_attempts int NOT NULL, attempts int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(), "
      "ready_at timestamptz NOT NULL, lease_until timestamptz, orchestrator bigint, "
      "epoch bigint NOT NULL DEFAULT 0, counter bigint NOT NULL DEFAULT 0, runner text NOT NULL DEFAULT '', "
      "payload bytea NOT NULL, result bytea NOT NULL DEFAULT '') "
      "WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000)",
      "CREATE INDEX runs_lease ON {0}.runs (lease_until) WHERE state = 2",
      "CREATE INDEX runs_delayed ON {0}.runs (ready_at) WHERE state = 0",
  };
  schema.create.insert(schema.create.end(), strategy.indexes.begin(), strategy.indexes.end());
  for (std::string& sql : schema.create) sql = of_schema(sql, strategy.schema);
  return schema;
}

std::vector<std::string> table_session() {
  return {"SET plan_cache_mode = force_generic_plan", "SET enable_sort = off", "SET enable_bitmapscan = off",
          "SET enable_seqscan = off", "SET jit = off"};
}

std::vector<Prepared> table_statements(TableStrategy const& strategy) {
  std::string const held = "WHERE id = $1::uuid AND state = 2 AND epoch = $2::int8 AND counter = $3::int8 RETURNING id";
  std::vector<Prepared> statements = {
      {"submit",
       "INSERT INTO {0}.runs (id, state, priority, required, max_attempts, ready_at, payload) "
       "SELECT i.id, CASE WHEN i.delay > 0 THEN 0 ELSE 1 END, i.priority, string_to_array(i.required, ','), "
       "i.max_attempts, now() + i.delay * interval '1 microsecond', i.payload "
       "FROM unnest($1::uuid[], $2::int2[], $3::text[], $4::int4[], $5::int8[], $6::bytea[]) "
       "AS i (id, priority, required, max_attempts, delay, payload) ON CONFLICT (id) DO NOTHING RETURNING id"},
      {"renew", "UPDATE {0}.runs SET lease_until = now() + $4::int8 * interval '1 microsecond' " + held},
      {"complete", "UPDATE {0}.runs SET state = 3, said = 1, orchestrator = NULL, result = $4::bytea " + held},
      // $5 and $6: base and limit of the back-off in microseconds, as RetryPolicy::delay_after.
      {"fail",
       "UPDATE {0}.runs SET said = 2, orchestrator = NULL, result = $4::bytea, "
       "state = CASE WHEN attempts >= max_attempts THEN 4 ELSE 0 END, ready_at = now() + "
       "least($6::int8, $5::int8 * power(2, least(attempts - 1, 30))) * interval '1 microsecond' " +
           held},
      {"release",
       "UPDATE {0}.runs SET state = 1, orchestrator = NULL, attempts = attempts - 1, ready_at = now() " + held},
      {"look", "SELECT epoch, counter, said FROM {0}.runs WHERE id = $1::uuid"},
      {"sweep",
       "UPDATE {0}.runs SET state = CASE WHEN attempts >= max_attempts THEN 4 ELSE 1 END, orchestrator = NULL, "
       "ready_at = now(), "
       "result = CASE WHEN attempts >= max_attempts THEN 'lease expired'::bytea ELSE result END WHERE id = ANY (ARRAY("
       "SELECT id FROM {0}.runs WHERE state = 2 AND lease_until < now() "
       "LIMIT $1::int8 FOR UPDATE SKIP LOCKED)) RETURNING id, state"},
      {"release_due",
       "UPDATE {0}.runs SET state = 1 WHERE id = ANY (ARRAY("
       "SELECT id FROM {0}.runs WHERE state = 0 AND ready_at <= now() "
       "LIMIT $1::int8 FOR UPDATE SKIP LOCKED)) RETURNING id"},
      {"depth",
       "SELECT state, count(*), (extract(epoch FROM now() - min(ready_at)) * 1000000)::int8 "
       "FROM {0}.runs GROUP BY state"},
      {"find",
       "SELECT state, array_to_string(required, ','), priority, attempts, runner, result FROM {0}.runs "
       "WHERE id = $1::uuid"},
  };
  statements.insert(statements.end(), strategy.claiming.begin(), strategy.claiming.end());
  for (Prepared& statement : statements) statement.sql = of_schema(statement.sql, strategy.schema);
  return statements;
}

}  // namespace assay::postgres
