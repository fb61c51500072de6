#include "reference_coordinator/backends/postgres/skip_locked_sql.hpp"

namespace assay::postgres {

// state: RunState's numbers, 0 delayed, 1 ready, 2 claimed, 3 completed, 4 dead. said: what the token's holder
// reported, 1 completed or 2 failed. A claim changes `state`, which the indexes' predicates name, so no update here is
// HOT.
Schema skip_locked_schema() {
  Schema schema;
  schema.name = "assay_skip_locked";
  schema.version = 1;
  schema.create = {
      "CREATE TABLE assay_skip_locked.runs (id uuid PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY, "
      "state smallint NOT NULL, said smallint NOT NULL DEFAULT 0, priority smallint NOT NULL, required text[] NOT "
      "NULL, "
      "max_attempts int NOT NULL, attempts int NOT NULL DEFAULT 0, ready_at timestamptz NOT NULL, lease_until "
      "timestamptz, "
      "epoch bigint NOT NULL DEFAULT 0, counter bigint NOT NULL DEFAULT 0, runner text NOT NULL DEFAULT '', "
      "payload bytea NOT NULL, result bytea NOT NULL DEFAULT '') "
      "WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000)",
      "CREATE INDEX runs_ready ON assay_skip_locked.runs (priority DESC, seq) WHERE state = 1",
      "CREATE INDEX runs_lease ON assay_skip_locked.runs (lease_until) WHERE state = 2",
      "CREATE INDEX runs_delayed ON assay_skip_locked.runs (ready_at) WHERE state = 0",
  };
  return schema;
}

std::vector<Prepared> skip_locked_statements() {
  std::string const held = "WHERE id = $1::uuid AND state = 2 AND epoch = $2::int8 AND counter = $3::int8 RETURNING id";
  return {
      {"submit",
       "INSERT INTO assay_skip_locked.runs (id, state, priority, required, max_attempts, ready_at, payload) "
       "SELECT i.id, CASE WHEN i.delay > 0 THEN 0 ELSE 1 END, i.priority, string_to_array(i.required, ','), "
       "i.max_attempts, now() + i.delay * interval '1 microsecond', i.payload "
       "FROM unnest($1::uuid[], $2::int2[], $3::text[], $4::int4[], $5::int8[], $6::bytea[]) "
       "AS i (id, priority, required, max_attempts, delay, payload) ON CONFLICT (id) DO NOTHING RETURNING id"},
      {"claim",
       "UPDATE assay_skip_locked.runs SET state = 2, said = 0, attempts = attempts + 1, epoch = $2::int8, "
       "counter = $3::int8, lease_until = now() + $4::int8 * interval '1 microsecond', runner = $5::text "
       "WHERE id = (SELECT id FROM assay_skip_locked.runs WHERE state = 1 AND required <@ string_to_array($1::text, "
       "',') "
       "ORDER BY priority DESC, seq LIMIT 1 FOR UPDATE SKIP LOCKED) "
       "RETURNING id, attempts, array_to_string(required, ','), priority, payload"},
      {"renew", "UPDATE assay_skip_locked.runs SET lease_until = now() + $4::int8 * interval '1 microsecond' " + held},
      {"complete", "UPDATE assay_skip_locked.runs SET state = 3, said = 1, result = $4::bytea " + held},
      // $5 and $6: base and limit of the back-off in microseconds, as RetryPolicy::delay_after.
      {"fail",
       "UPDATE assay_skip_locked.runs SET said = 2, result = $4::bytea, "
       "state = CASE WHEN attempts >= max_attempts THEN 4 ELSE 0 END, ready_at = now() + "
       "least($6::int8, $5::int8 * power(2, least(attempts - 1, 30))) * interval '1 microsecond' " +
           held},
      {"release", "UPDATE assay_skip_locked.runs SET state = 1, attempts = attempts - 1, ready_at = now() " + held},
      {"look", "SELECT epoch, counter, said FROM assay_skip_locked.runs WHERE id = $1::uuid"},
      {"sweep",
       "UPDATE assay_skip_locked.runs SET state = CASE WHEN attempts >= max_attempts THEN 4 ELSE 1 END, ready_at = "
       "now(), "
       "result = CASE WHEN attempts >= max_attempts THEN 'lease expired'::bytea ELSE result END WHERE id = ANY (ARRAY("
       "SELECT id FROM assay_skip_locked.runs WHERE state = 2 AND lease_until < now() "
       "LIMIT $1::int8 FOR UPDATE SKIP LOCKED)) RETURNING id, state"},
      {"release_due",
       "UPDATE assay_skip_locked.runs SET state = 1 WHERE id = ANY (ARRAY("
       "SELECT id FROM assay_skip_locked.runs WHERE state = 0 AND ready_at <= now() "
       "LIMIT $1::int8 FOR UPDATE SKIP LOCKED)) RETURNING id"},
      {"depth",
       "SELECT state, count(*), (extract(epoch FROM now() - min(ready_at)) * 1000000)::int8 "
       "FROM assay_skip_locked.runs GROUP BY state"},
      {"find",
       "SELECT state, array_to_string(required, ','), priority, attempts, runner, result FROM assay_skip_locked.runs "
       "WHERE id = $1::uuid"},
  };
}

}  // namespace assay::postgres
