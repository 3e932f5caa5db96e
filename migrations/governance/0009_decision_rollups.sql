-- Counts of the decisions on the Audit Wall, by hour: a pure function of each tenant's log, made by reading it in order. They can be made again at any
-- time by deleting all four tables' rows of a tenant in one transaction.

-- How far a tenant's log has been counted. Whoever counts locks the row, and moves it in the transaction that adds what it counted: every entry counts
-- exactly once, whichever replica reads it.
CREATE TABLE gov_decision_cursors (
    tenant_id    uuid   NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    position     bigint NOT NULL DEFAULT 0, -- so many entries, from the first, are counted
    last_hash    bytea,                     -- the leaf hash of the last of them: tells a log that was restored and has grown again
    max_delay_us bigint NOT NULL DEFAULT 0, -- the longest time from a decision to the recording of its entry
    max_lead_us  bigint NOT NULL DEFAULT 0, -- the longest time that an entry was recorded before its decision, as clocks tell that were set back
    CONSTRAINT gov_decision_cursors_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT gov_decision_cursors_check CHECK (position >= 0 AND max_delay_us >= 0 AND max_lead_us >= 0),
    CONSTRAINT gov_decision_cursors_last_hash_check CHECK ((position = 0) = (last_hash IS NULL) AND octet_length(last_hash) = 32)
);

ALTER TABLE gov_decision_cursors ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_decision_cursors FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_decision_cursors_tenant ON gov_decision_cursors
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id), UPDATE (position, last_hash, max_delay_us, max_lead_us) ON gov_decision_cursors TO aumos_governance_app;

-- Outcomes and durations. Every answer needs the rows of one scope: all decisions (decision_point '', policy_id zero), those of a decision point, what one
-- policy said, or what it said at one decision point.
CREATE TABLE gov_decision_rollups (
    tenant_id      uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    decision_point text        COLLATE "C" NOT NULL,
    policy_id      uuid        NOT NULL,
    hour           timestamptz NOT NULL, -- of the decisions' own time
    first_index    bigint      NOT NULL, -- of the decisions' entries
    last_index     bigint      NOT NULL,
    allowed        bigint      NOT NULL,
    denied         bigint      NOT NULL,
    errors         bigint      NOT NULL,
    durations      bytea       NOT NULL, -- how many took how long: package decisionlog says how
    CONSTRAINT gov_decision_rollups_pkey PRIMARY KEY (tenant_id, decision_point, policy_id, hour),
    CONSTRAINT gov_decision_rollups_hour_check CHECK (extract(epoch FROM hour) % 3600 = 0),
    CONSTRAINT gov_decision_rollups_index_check CHECK (first_index BETWEEN 0 AND last_index),
    CONSTRAINT gov_decision_rollups_count_check CHECK (
        allowed >= 0 AND denied >= 0 AND errors >= 0 AND allowed + denied + errors BETWEEN 1 AND last_index - first_index + 1)
);

ALTER TABLE gov_decision_rollups ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_decision_rollups FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_decision_rollups_tenant ON gov_decision_rollups
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (first_index, last_index, allowed, denied, errors, durations) ON gov_decision_rollups TO aumos_governance_app;

-- Denied resources: how often a decision point (policy_id zero) or a policy denied each. decision_point is '' where a policy was asked by itself.
-- What comes from callers and policies is bytea: it may hold the character U+0000, which text cannot.
CREATE TABLE gov_decision_denials (
    tenant_id      uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    hour           timestamptz NOT NULL,
    decision_point text        COLLATE "C" NOT NULL,
    policy_id      uuid        NOT NULL,
    resource_type  text        COLLATE "C" NOT NULL,
    resource_id    bytea       NOT NULL,
    denied         bigint      NOT NULL,
    CONSTRAINT gov_decision_denials_pkey PRIMARY KEY (tenant_id, hour, decision_point, policy_id, resource_type, resource_id),
    CONSTRAINT gov_decision_denials_resource_check CHECK (
        octet_length(resource_type) BETWEEN 1 AND 64 AND octet_length(resource_id) BETWEEN 1 AND 1020),
    CONSTRAINT gov_decision_denials_denied_check CHECK (denied >= 1)
);

ALTER TABLE gov_decision_denials ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_decision_denials FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_decision_denials_tenant ON gov_decision_denials
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (denied) ON gov_decision_denials TO aumos_governance_app;

-- Violations: in how many decisions a policy found each. The digest tells them apart, however long their text is.
CREATE TABLE gov_decision_violations (
    tenant_id      uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    hour           timestamptz NOT NULL,
    decision_point text        COLLATE "C" NOT NULL, -- '' where the policy was asked by itself
    policy_id      uuid        NOT NULL,
    code_sha256    bytea       NOT NULL,
    code           bytea       NOT NULL, -- or the message, where the policy gave no code; cut
    control        bytea       NOT NULL, -- of the newest
    last_index     bigint      NOT NULL, -- of the newest's entry
    decisions      bigint      NOT NULL,
    CONSTRAINT gov_decision_violations_pkey PRIMARY KEY (tenant_id, hour, decision_point, policy_id, code_sha256),
    CONSTRAINT gov_decision_violations_code_sha256_check CHECK (octet_length(code_sha256) = 32),
    CONSTRAINT gov_decision_violations_text_check CHECK (octet_length(code) <= 1024 AND octet_length(control) <= 1024),
    CONSTRAINT gov_decision_violations_decisions_check CHECK (decisions >= 1 AND last_index >= 0)
);

ALTER TABLE gov_decision_violations ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_decision_violations FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_decision_violations_tenant ON gov_decision_violations
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (control, last_index, decisions) ON gov_decision_violations TO aumos_governance_app;
