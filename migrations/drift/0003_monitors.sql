-- Monitors and the features that they watch. A monitor's row changes only in its counters; its features never change.
CREATE TABLE drf_monitors (
    tenant_id            uuid             NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id                   uuid             NOT NULL,
    model_id             uuid             NOT NULL,
    name                 text             NOT NULL,
    false_discovery_rate double precision NOT NULL,
    min_rows             bigint           NOT NULL,
    min_drifted_features integer          NOT NULL,
    baseline_count       integer          NOT NULL DEFAULT 0,
    revision             bigint           NOT NULL DEFAULT 1,
    create_time          timestamptz      NOT NULL DEFAULT now(),
    update_time          timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT drf_monitors_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT drf_monitors_name_key UNIQUE (tenant_id, name),
    CONSTRAINT drf_monitors_model_fkey FOREIGN KEY (tenant_id, model_id) REFERENCES drf_models (tenant_id, id),
    CONSTRAINT drf_monitors_name_check CHECK (char_length(name) BETWEEN 1 AND 128),
    CONSTRAINT drf_monitors_false_discovery_rate_check CHECK (false_discovery_rate > 0 AND false_discovery_rate <= 0.5),
    CONSTRAINT drf_monitors_min_rows_check CHECK (min_rows BETWEEN 2 AND 1000000),
    CONSTRAINT drf_monitors_min_drifted_features_check CHECK (min_drifted_features BETWEEN 1 AND 500),
    CONSTRAINT drf_monitors_counters_check CHECK (baseline_count >= 0 AND revision >= 1)
);
CREATE INDEX drf_monitors_model_idx ON drf_monitors (tenant_id, model_id, id);

ALTER TABLE drf_monitors ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_monitors FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_monitors_tenant ON drf_monitors
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (baseline_count, revision, update_time) ON drf_monitors TO aumos_drift_app;

-- tests is an array of {"test": name, "convention": name, "min_effect": number}, with every default filled in.
CREATE TABLE drf_monitor_features (
    tenant_id  uuid    NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    monitor_id uuid    NOT NULL,
    ordinal    integer NOT NULL,
    name       text    NOT NULL,
    type       text    NOT NULL,
    tests      jsonb   NOT NULL,
    CONSTRAINT drf_monitor_features_pkey PRIMARY KEY (tenant_id, monitor_id, ordinal),
    CONSTRAINT drf_monitor_features_name_key UNIQUE (tenant_id, monitor_id, name),
    CONSTRAINT drf_monitor_features_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES drf_monitors (tenant_id, id),
    CONSTRAINT drf_monitor_features_ordinal_check CHECK (ordinal BETWEEN 1 AND 500),
    CONSTRAINT drf_monitor_features_name_check CHECK (char_length(name) BETWEEN 1 AND 128),
    CONSTRAINT drf_monitor_features_type_check CHECK (type IN ('NUMERIC', 'CATEGORICAL', 'BOOLEAN')),
    CONSTRAINT drf_monitor_features_tests_check CHECK (
        jsonb_typeof(tests) = 'array' AND jsonb_array_length(tests) BETWEEN 1 AND 33
        AND jsonb_array_length(tests) = jsonb_array_length(jsonb_path_query_array(tests,
            '$[*] ? (@.test like_regex "^[A-Z][A-Z_]{0,63}$" && @.convention like_regex "^[a-z][a-z0-9/_-]{0,63}$"
                     && @.min_effect > 0 && @.min_effect <= 1000000000)')))
);

ALTER TABLE drf_monitor_features ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_monitor_features FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_monitor_features_tenant ON drf_monitor_features
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT ON drf_monitor_features TO aumos_drift_app;
