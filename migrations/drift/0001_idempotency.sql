-- Responses of writes by request id, so that a retry gets the first answer instead of a second effect.
CREATE TABLE idempotency_keys (
    tenant_id      uuid        NOT NULL,
    request_id     uuid        NOT NULL,
    method         text        NOT NULL,
    request_sha256 bytea       NOT NULL,
    response       bytea       NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, request_id),
    CONSTRAINT idempotency_keys_method_check CHECK (method <> ''),
    CONSTRAINT idempotency_keys_request_sha256_check CHECK (octet_length(request_sha256) = 32)
);

-- For the removal of expired rows.
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (tenant_id, created_at);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY idempotency_keys_tenant ON idempotency_keys
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO aumos_drift_app;
