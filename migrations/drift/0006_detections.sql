-- Detections: facts, never changed. document is the exact result that the evidence entry's digest covers; the other columns repeat parts
-- of it for lists.
CREATE TABLE drf_detections (
    tenant_id             uuid             NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id                    uuid             NOT NULL,
    monitor_id            uuid             NOT NULL,
    model_id              uuid             NOT NULL,
    baseline_id           uuid             NOT NULL,
    baseline_fingerprint  bytea            NOT NULL,
    description           text             NOT NULL,
    status                text             NOT NULL,
    severity              double precision NOT NULL,
    row_count             bigint           NOT NULL,
    feature_count         integer          NOT NULL,
    drifted_feature_count integer          NOT NULL,
    false_discovery_rate  double precision NOT NULL,
    min_rows              bigint           NOT NULL,
    min_drifted_features  integer          NOT NULL,
    document              bytea            NOT NULL,
    document_sha256       bytea            NOT NULL,
    entry_id              uuid             NOT NULL,
    create_time           timestamptz      NOT NULL,
    CONSTRAINT drf_detections_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT drf_detections_entry_key UNIQUE (tenant_id, entry_id),
    CONSTRAINT drf_detections_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES drf_monitors (tenant_id, id),
    CONSTRAINT drf_detections_model_fkey FOREIGN KEY (tenant_id, model_id) REFERENCES drf_models (tenant_id, id),
    CONSTRAINT drf_detections_baseline_fkey FOREIGN KEY (tenant_id, baseline_id) REFERENCES drf_baselines (tenant_id, id),
    CONSTRAINT drf_detections_entry_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES drf_evidence (tenant_id, entry_id),
    CONSTRAINT drf_detections_status_check CHECK (status IN ('OK', 'WARNING', 'DRIFT', 'INSUFFICIENT_DATA', 'ERROR')),
    CONSTRAINT drf_detections_severity_check CHECK (severity BETWEEN 0 AND 1),
    CONSTRAINT drf_detections_description_check CHECK (char_length(description) <= 2000),
    CONSTRAINT drf_detections_counts_check CHECK (
        row_count >= 1 AND feature_count BETWEEN 1 AND 500 AND drifted_feature_count BETWEEN 0 AND feature_count),
    CONSTRAINT drf_detections_document_check CHECK (
        octet_length(baseline_fingerprint) = 32 AND document_sha256 = sha256(document))
);
CREATE INDEX drf_detections_monitor_idx ON drf_detections (tenant_id, monitor_id, id);
CREATE INDEX drf_detections_status_idx ON drf_detections (tenant_id, status, id);

ALTER TABLE drf_detections ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_detections FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_detections_tenant ON drf_detections
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT ON drf_detections TO aumos_drift_app;
