-- Candidates that are asked beside the active version on live traffic, and what was found. A policy has at most one that is RUNNING; one whose time is over
-- may still say so here until the next one takes its place. The oldest of a tenant make room for new ones.
CREATE TABLE gov_shadows (
    tenant_id        uuid             NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id               uuid             NOT NULL,
    policy_id        uuid             NOT NULL,
    version_id       uuid             NOT NULL,
    sampling_rate    double precision NOT NULL,
    state            text             NOT NULL DEFAULT 'RUNNING',
    summary          jsonb            NOT NULL DEFAULT '{}',
    skipped          bigint           NOT NULL DEFAULT 0,
    kept_differences bigint           NOT NULL DEFAULT 0,
    kept_bytes       bigint           NOT NULL DEFAULT 0,
    subject          text             NOT NULL,
    create_time      timestamptz      NOT NULL DEFAULT statement_timestamp(),
    expire_time      timestamptz      NOT NULL,
    end_time         timestamptz,
    CONSTRAINT gov_shadows_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_shadows_policy_fkey FOREIGN KEY (tenant_id, policy_id) REFERENCES gov_policies (tenant_id, id),
    CONSTRAINT gov_shadows_version_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES gov_policy_versions (tenant_id, id),
    CONSTRAINT gov_shadows_sampling_rate_check CHECK (sampling_rate > 0 AND sampling_rate <= 1),
    CONSTRAINT gov_shadows_state_check CHECK (
        state IN ('RUNNING', 'STOPPED', 'EXPIRED') AND (state = 'RUNNING') = (end_time IS NULL)),
    CONSTRAINT gov_shadows_counts_check CHECK (skipped >= 0 AND kept_differences >= 0 AND kept_bytes >= 0),
    CONSTRAINT gov_shadows_subject_check CHECK (octet_length(subject) BETWEEN 1 AND 255),
    CONSTRAINT gov_shadows_expire_time_check CHECK (expire_time > create_time)
);
CREATE UNIQUE INDEX gov_shadows_running_key ON gov_shadows (tenant_id, policy_id) WHERE state = 'RUNNING';
CREATE INDEX gov_shadows_policy_idx ON gov_shadows (tenant_id, policy_id, id);

ALTER TABLE gov_shadows ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_shadows FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_shadows_tenant ON gov_shadows
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, id, policy_id, version_id, sampling_rate, subject, create_time, expire_time),
    UPDATE (state, summary, skipped, kept_differences, kept_bytes, end_time), DELETE
    ON gov_shadows TO aumos_governance_app;

-- The newest decisions to which a shadow gives another answer.
CREATE TABLE gov_shadow_differences (
    tenant_id   uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    shadow_id   uuid        NOT NULL,
    decide_time timestamptz NOT NULL,
    decision_id uuid        NOT NULL,
    version_id  uuid        NOT NULL, -- that answered
    detail      bytea       NOT NULL, -- the resource and how the answers differ, as JSON: it may hold NUL, which text cannot
    CONSTRAINT gov_shadow_differences_pkey PRIMARY KEY (tenant_id, shadow_id, decide_time, decision_id),
    CONSTRAINT gov_shadow_differences_shadow_fkey FOREIGN KEY (tenant_id, shadow_id) REFERENCES gov_shadows (tenant_id, id),
    CONSTRAINT gov_shadow_differences_detail_check CHECK (octet_length(detail) BETWEEN 2 AND 2097152)
);

ALTER TABLE gov_shadow_differences ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_shadow_differences FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_shadow_differences_tenant ON gov_shadow_differences
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, DELETE ON gov_shadow_differences TO aumos_governance_app;
