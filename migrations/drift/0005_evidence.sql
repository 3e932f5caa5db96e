-- What is to be, or has been, recorded on the Audit Wall. A row is written in the transaction of the change that it documents and is
-- completed once with the receipt; the service cannot alter what it says.
CREATE TABLE drf_evidence (
    tenant_id   uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    entry_id    uuid        NOT NULL,
    kind        text        NOT NULL,
    subject_id  uuid        NOT NULL,
    payload     bytea       NOT NULL,
    state       text        NOT NULL DEFAULT 'PENDING',
    leaf_index  bigint,
    leaf_hash   bytea,
    receipt     text,
    create_time timestamptz NOT NULL DEFAULT now(),
    record_time timestamptz,
    CONSTRAINT drf_evidence_pkey PRIMARY KEY (tenant_id, entry_id),
    CONSTRAINT drf_evidence_kind_check CHECK (kind IN (
        'drift.model_registered', 'drift.monitor_created', 'drift.baseline_uploaded', 'drift.baseline_activated', 'drift.detection')),
    CONSTRAINT drf_evidence_state_check CHECK (
        (state = 'PENDING' AND leaf_index IS NULL AND leaf_hash IS NULL AND receipt IS NULL AND record_time IS NULL)
        OR (state = 'RECORDED' AND coalesce(leaf_index >= 0 AND octet_length(leaf_hash) = 32 AND receipt <> '', false)
            AND record_time IS NOT NULL))
);
CREATE INDEX drf_evidence_subject_idx ON drf_evidence (tenant_id, subject_id);
CREATE INDEX drf_evidence_pending_idx ON drf_evidence (create_time) WHERE state = 'PENDING';

ALTER TABLE drf_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_evidence_tenant ON drf_evidence
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (state, leaf_index, leaf_hash, receipt, record_time) ON drf_evidence TO aumos_drift_app;

-- The safety net below has to look at every tenant's pending rows. Only the owner may, only at those, and the service reaches them only
-- through functions that return ids and counts.
CREATE POLICY drf_evidence_owner_pending ON drf_evidence FOR SELECT TO aumos_drift_owner
    USING (state = 'PENDING');

-- Pending evidence without a job that would record it, oldest first: rows that were restored from a backup, or whose job an operator
-- deleted. The job queue lives in schema river, which the migration command installs after these files.
CREATE FUNCTION drf_evidence_without_job(row_limit integer)
    RETURNS TABLE (tenant_id uuid, entry_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT e.tenant_id, e.entry_id
    FROM public.drf_evidence e
    WHERE e.state = 'PENDING'
      AND NOT EXISTS (
        SELECT 1
        FROM river.river_job j
        WHERE j.kind = 'evidence'
          AND j.args ->> 'entry_id' = e.entry_id::text -- an equality, so that long lists are compared by one hash join
          AND j.state NOT IN ('cancelled', 'completed', 'discarded'))
    ORDER BY e.create_time
    LIMIT row_limit;
END
$$;
REVOKE ALL ON FUNCTION drf_evidence_without_job(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drf_evidence_without_job(integer) TO aumos_drift_app;

-- How much evidence waits, over all tenants, and since when: for metrics and readiness information.
CREATE FUNCTION drf_evidence_backlog()
    RETURNS TABLE (pending bigint, oldest timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*), min(e.create_time)
    FROM public.drf_evidence e
    WHERE e.state = 'PENDING'
$$;
REVOKE ALL ON FUNCTION drf_evidence_backlog() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drf_evidence_backlog() TO aumos_drift_app;
