-- Streams of values that concept-drift detectors watch. A stream's row changes with every batch; what it is does not.
--
-- state is the detector's, in the versioned binary format of the service, with a checksum. last_* describe the last batch, so that it can be sent again:
-- last_sha256 covers its values as little-endian IEEE 754 doubles, last_warnings are its warning zones as pairs of sequences.
CREATE TABLE drf_streams (
    tenant_id      uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id             uuid        NOT NULL,
    name           text        NOT NULL,
    model_id       uuid,
    detector       text        NOT NULL,
    convention     text        NOT NULL,
    parameters     jsonb       NOT NULL,
    policy         text        NOT NULL,
    seed           bigint      NOT NULL,
    next_sequence  bigint      NOT NULL DEFAULT 0,
    zone           text        NOT NULL DEFAULT 'STABLE',
    warning_began  bigint,
    drift_count    bigint      NOT NULL DEFAULT 0,
    state          bytea       NOT NULL,
    last_sequence  bigint,
    last_sha256    bytea,
    last_warnings  jsonb,
    revision       bigint      NOT NULL DEFAULT 1,
    create_time    timestamptz NOT NULL DEFAULT now(),
    update_time    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT drf_streams_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT drf_streams_name_key UNIQUE (tenant_id, name),
    CONSTRAINT drf_streams_model_fkey FOREIGN KEY (tenant_id, model_id) REFERENCES drf_models (tenant_id, id),
    CONSTRAINT drf_streams_name_check CHECK (char_length(name) BETWEEN 1 AND 128),
    CONSTRAINT drf_streams_detector_check CHECK (detector IN (
        'ADWIN', 'DDM', 'EDDM', 'RDDM', 'HDDM_A', 'HDDM_W', 'FHDDM', 'STEPD', 'PAGE_HINKLEY', 'CUSUM', 'KSWIN', 'ECDD')),
    CONSTRAINT drf_streams_convention_check CHECK (char_length(convention) BETWEEN 1 AND 64),
    CONSTRAINT drf_streams_parameters_check CHECK (jsonb_typeof(parameters) = 'object'),
    CONSTRAINT drf_streams_policy_check CHECK (policy IN ('RESTART', 'HOLD', 'CONTINUE')),
    CONSTRAINT drf_streams_seed_check CHECK (seed >= 0),
    CONSTRAINT drf_streams_zone_check CHECK (zone IN ('STABLE', 'WARNING', 'DRIFT')),
    CONSTRAINT drf_streams_warning_check CHECK ((zone = 'WARNING') = (warning_began IS NOT NULL) AND warning_began BETWEEN 0 AND next_sequence - 1),
    CONSTRAINT drf_streams_counters_check CHECK (
        next_sequence >= 0 AND drift_count BETWEEN 0 AND next_sequence AND revision >= 1 AND (zone <> 'DRIFT' OR drift_count > 0)),
    CONSTRAINT drf_streams_state_check CHECK (octet_length(state) BETWEEN 16 AND 1048576),
    CONSTRAINT drf_streams_last_check CHECK (
        (next_sequence = 0 AND last_sequence IS NULL AND last_sha256 IS NULL AND last_warnings IS NULL)
        OR (coalesce(last_sequence BETWEEN 0 AND next_sequence - 1 AND octet_length(last_sha256) = 32, false)
            AND coalesce(jsonb_typeof(last_warnings) = 'array', false)))
);
CREATE INDEX drf_streams_model_idx ON drf_streams (tenant_id, model_id, id);

ALTER TABLE drf_streams ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_streams FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_streams_tenant ON drf_streams
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (next_sequence, zone, warning_began, drift_count, state, last_sequence, last_sha256, last_warnings, revision, update_time)
    ON drf_streams TO aumos_drift_app;

-- Drifts: facts, never changed. Each has an entry on the Audit Wall.
CREATE TABLE drf_stream_drifts (
    tenant_id   uuid             NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    stream_id   uuid             NOT NULL,
    id          uuid             NOT NULL,
    sequence    bigint           NOT NULL,
    began       bigint           NOT NULL,
    direction   text             NOT NULL,
    mean_before double precision,
    mean_after  double precision NOT NULL,
    entry_id    uuid             NOT NULL,
    create_time timestamptz      NOT NULL,
    CONSTRAINT drf_stream_drifts_pkey PRIMARY KEY (tenant_id, stream_id, sequence),
    CONSTRAINT drf_stream_drifts_id_key UNIQUE (tenant_id, id),
    CONSTRAINT drf_stream_drifts_entry_key UNIQUE (tenant_id, entry_id),
    CONSTRAINT drf_stream_drifts_stream_fkey FOREIGN KEY (tenant_id, stream_id) REFERENCES drf_streams (tenant_id, id),
    CONSTRAINT drf_stream_drifts_entry_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES drf_evidence (tenant_id, entry_id),
    CONSTRAINT drf_stream_drifts_direction_check CHECK (direction IN ('INCREASE', 'DECREASE', 'CHANGED')),
    CONSTRAINT drf_stream_drifts_sequence_check CHECK (began BETWEEN 0 AND sequence)
);

ALTER TABLE drf_stream_drifts ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_stream_drifts FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_stream_drifts_tenant ON drf_stream_drifts
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT ON drf_stream_drifts TO aumos_drift_app;

ALTER TABLE drf_evidence
    DROP CONSTRAINT drf_evidence_kind_check,
    ADD CONSTRAINT drf_evidence_kind_check CHECK (kind IN (
        'drift.model_registered', 'drift.monitor_created', 'drift.monitor_changed', 'drift.baseline_uploaded', 'drift.baseline_activated',
        'drift.baseline_retired', 'drift.detection', 'drift.stream_created', 'drift.stream_reset', 'drift.concept_drift_detected'));
