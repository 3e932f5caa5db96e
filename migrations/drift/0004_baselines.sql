-- Baselines: immutable but for their state. The grants leave the service no way to change what a baseline says.
CREATE TABLE drf_baselines (
    tenant_id          uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id                 uuid        NOT NULL,
    monitor_id         uuid        NOT NULL,
    number             integer     NOT NULL,
    description        text        NOT NULL,
    state              text        NOT NULL DEFAULT 'READY',
    row_count          bigint      NOT NULL,
    fingerprint_sha256 bytea       NOT NULL,
    create_time        timestamptz NOT NULL DEFAULT now(),
    activate_time      timestamptz,
    CONSTRAINT drf_baselines_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT drf_baselines_number_key UNIQUE (tenant_id, monitor_id, number),
    CONSTRAINT drf_baselines_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES drf_monitors (tenant_id, id),
    CONSTRAINT drf_baselines_number_check CHECK (number >= 1),
    CONSTRAINT drf_baselines_description_check CHECK (char_length(description) <= 2000),
    CONSTRAINT drf_baselines_state_check CHECK (
        state IN ('READY', 'ACTIVE', 'RETIRED') AND (state = 'READY') = (activate_time IS NULL)),
    CONSTRAINT drf_baselines_row_count_check CHECK (row_count BETWEEN 1 AND 1000000),
    CONSTRAINT drf_baselines_fingerprint_check CHECK (octet_length(fingerprint_sha256) = 32)
);
-- A monitor has at most one active baseline.
CREATE UNIQUE INDEX drf_baselines_active_key ON drf_baselines (tenant_id, monitor_id) WHERE state = 'ACTIVE';
CREATE INDEX drf_baselines_monitor_idx ON drf_baselines (tenant_id, monitor_id, id);

ALTER TABLE drf_baselines ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_baselines FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_baselines_tenant ON drf_baselines
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (state, activate_time) ON drf_baselines TO aumos_drift_app;

-- content is the feature's canonical content, the very bytes that the baseline's fingerprint covers: for numbers the values in
-- ascending order as little-endian IEEE 754 doubles, for categories and booleans names and counts.
CREATE TABLE drf_baseline_features (
    tenant_id          uuid    NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    baseline_id        uuid    NOT NULL,
    ordinal            integer NOT NULL,
    name               text    NOT NULL,
    type               text    NOT NULL,
    value_count        bigint  NOT NULL,
    missing_count      bigint  NOT NULL,
    distinct_count     bigint  NOT NULL,
    min                double precision,
    max                double precision,
    mean               double precision,
    standard_deviation double precision,
    content            bytea   NOT NULL,
    CONSTRAINT drf_baseline_features_pkey PRIMARY KEY (tenant_id, baseline_id, ordinal),
    CONSTRAINT drf_baseline_features_name_key UNIQUE (tenant_id, baseline_id, name),
    CONSTRAINT drf_baseline_features_baseline_fkey FOREIGN KEY (tenant_id, baseline_id) REFERENCES drf_baselines (tenant_id, id),
    CONSTRAINT drf_baseline_features_ordinal_check CHECK (ordinal BETWEEN 1 AND 500),
    CONSTRAINT drf_baseline_features_type_check CHECK (type IN ('NUMERIC', 'CATEGORICAL', 'BOOLEAN')),
    CONSTRAINT drf_baseline_features_counts_check CHECK (
        value_count >= 1 AND missing_count >= 0 AND distinct_count BETWEEN 1 AND value_count)
);
-- Doubles do not compress enough to pay for trying.
ALTER TABLE drf_baseline_features ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE drf_baseline_features ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_baseline_features FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_baseline_features_tenant ON drf_baseline_features
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT ON drf_baseline_features TO aumos_drift_app;
