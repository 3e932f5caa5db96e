-- Replays of recorded decisions with a candidate, and what they found. A worker of any replica takes a replay for a while (lease) and writes what it found
-- together with how far it has come, so that another one goes on from there when it dies. The oldest of a tenant make room for new ones.
--
-- Texts that callers or policies have made up are bytea: they may hold NUL, which text cannot.
CREATE TABLE gov_replays (
    tenant_id         uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id                uuid        NOT NULL,
    policy_id         uuid        NOT NULL,
    version_id        uuid, -- NULL: candidate is
    candidate         bytea, -- modules that are not stored elsewhere, as JSON; gone when the replay is done
    content_sha256    bytea       NOT NULL,
    range_start       timestamptz NOT NULL,
    range_end         timestamptz NOT NULL,
    decision_point    text        NOT NULL DEFAULT '',
    state             text        NOT NULL DEFAULT 'PENDING',
    first_index       bigint      NOT NULL,
    end_index         bigint      NOT NULL,
    next_index        bigint      NOT NULL,
    inputs_missing    bigint      NOT NULL DEFAULT 0,
    inputs_masked     bigint      NOT NULL DEFAULT 0,
    overruns          integer     NOT NULL DEFAULT 0,
    summary           jsonb       NOT NULL DEFAULT '{}',
    decisions_summary jsonb       NOT NULL DEFAULT '{}',
    kept_differences  integer     NOT NULL DEFAULT 0,
    kept_bytes        bigint      NOT NULL DEFAULT 0,
    error             text        NOT NULL DEFAULT '',
    subject           text        NOT NULL,
    create_time       timestamptz NOT NULL DEFAULT now(),
    start_time        timestamptz,
    end_time          timestamptz,
    lease_holder      uuid,
    lease_until       timestamptz DEFAULT now(), -- when it may be taken next; NULL: there is nothing left to do
    takes             integer     NOT NULL DEFAULT 0, -- how often it was taken since it last got further
    CONSTRAINT gov_replays_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_replays_policy_fkey FOREIGN KEY (tenant_id, policy_id) REFERENCES gov_policies (tenant_id, id),
    CONSTRAINT gov_replays_version_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES gov_policy_versions (tenant_id, id),
    CONSTRAINT gov_replays_candidate_check CHECK (candidate IS NULL OR version_id IS NULL AND octet_length(candidate) BETWEEN 1 AND 12582912),
    CONSTRAINT gov_replays_content_sha256_check CHECK (octet_length(content_sha256) = 32),
    CONSTRAINT gov_replays_range_check CHECK (range_start < range_end),
    CONSTRAINT gov_replays_index_check CHECK (0 <= first_index AND first_index <= next_index AND next_index <= end_index),
    CONSTRAINT gov_replays_state_check CHECK (
        state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')
        AND (state IN ('PENDING', 'RUNNING')) = (end_time IS NULL)
        AND (state <> 'PENDING' OR start_time IS NULL)
        AND (state <> 'RUNNING' OR start_time IS NOT NULL)
        AND (state IN ('PENDING', 'RUNNING') OR candidate IS NULL)
        AND (state NOT IN ('PENDING', 'RUNNING') OR lease_until IS NOT NULL)
        AND (state NOT IN ('PENDING', 'RUNNING') OR version_id IS NOT NULL OR candidate IS NOT NULL)
        AND (state <> 'SUCCEEDED' OR next_index = end_index)
        AND (state = 'FAILED') = (error <> '')),
    CONSTRAINT gov_replays_counts_check CHECK (
        inputs_missing >= 0 AND inputs_masked >= 0 AND overruns >= 0 AND takes >= 0 AND kept_bytes >= 0 AND kept_differences BETWEEN 0 AND 10000),
    CONSTRAINT gov_replays_error_check CHECK (char_length(error) <= 2000),
    CONSTRAINT gov_replays_subject_check CHECK (octet_length(subject) BETWEEN 1 AND 255)
);
CREATE INDEX gov_replays_policy_idx ON gov_replays (tenant_id, policy_id, id);
CREATE INDEX gov_replays_open_idx ON gov_replays (tenant_id) WHERE state IN ('PENDING', 'RUNNING');
-- For the workers, which take the one that has waited longest.
CREATE INDEX gov_replays_lease_idx ON gov_replays (lease_until, tenant_id, id) WHERE lease_until IS NOT NULL;

ALTER TABLE gov_replays ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_replays FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_replays_tenant ON gov_replays
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);
-- A worker has to find the tenants that have replays to do. It may see rows of all of them in a transaction that says so, which reads ids; it takes
-- each under its tenant.
CREATE POLICY gov_replays_find ON gov_replays FOR SELECT TO aumos_governance_app
    USING (current_setting('aumos.replays', true) = 'find');

GRANT SELECT,
    INSERT (tenant_id, id, policy_id, version_id, candidate, content_sha256, range_start, range_end, decision_point, first_index, end_index, next_index,
        subject),
    UPDATE (candidate, state, next_index, inputs_missing, inputs_masked, overruns, summary, decisions_summary, kept_differences, kept_bytes, error,
        start_time, end_time, lease_holder, lease_until, takes), DELETE
    ON gov_replays TO aumos_governance_app;

-- The first decisions of a replay that differ, in the order of the log.
CREATE TABLE gov_replay_differences (
    tenant_id   uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    replay_id   uuid        NOT NULL,
    leaf_index  bigint      NOT NULL,
    decision_id uuid        NOT NULL,
    decide_time timestamptz NOT NULL,
    version_id  uuid        NOT NULL, -- that answered
    detail      bytea       NOT NULL, -- the resource and how the answers differ, as JSON
    CONSTRAINT gov_replay_differences_pkey PRIMARY KEY (tenant_id, replay_id, leaf_index),
    CONSTRAINT gov_replay_differences_replay_fkey FOREIGN KEY (tenant_id, replay_id) REFERENCES gov_replays (tenant_id, id),
    CONSTRAINT gov_replay_differences_detail_check CHECK (octet_length(detail) BETWEEN 2 AND 2097152)
);

ALTER TABLE gov_replay_differences ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_replay_differences FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_replay_differences_tenant ON gov_replay_differences
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, DELETE ON gov_replay_differences TO aumos_governance_app;

-- A replay's counts by resource. They are exact while it runs, since every resource has a row; once it is done, those that nobody is shown are removed.
CREATE TABLE gov_replay_resources (
    tenant_id           uuid   NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    replay_id           uuid   NOT NULL,
    resource_type       text   COLLATE "C" NOT NULL, -- empty: decisions that named no resource
    resource_id         bytea  NOT NULL,
    compared            bigint NOT NULL,
    same                bigint NOT NULL,
    allow_to_deny       bigint NOT NULL,
    deny_to_allow       bigint NOT NULL,
    to_error            bigint NOT NULL,
    from_error          bigint NOT NULL,
    violations_changed  bigint NOT NULL,
    obligations_changed bigint NOT NULL,
    changed             bigint GENERATED ALWAYS AS (compared - same) STORED,
    CONSTRAINT gov_replay_resources_pkey PRIMARY KEY (tenant_id, replay_id, resource_type, resource_id),
    CONSTRAINT gov_replay_resources_replay_fkey FOREIGN KEY (tenant_id, replay_id) REFERENCES gov_replays (tenant_id, id),
    CONSTRAINT gov_replay_resources_resource_check CHECK (char_length(resource_type) <= 64 AND octet_length(resource_id) <= 1020),
    CONSTRAINT gov_replay_resources_counts_check CHECK (
        compared = same + allow_to_deny + deny_to_allow + to_error + from_error + violations_changed + obligations_changed)
);
CREATE INDEX gov_replay_resources_changed_idx ON gov_replay_resources (tenant_id, replay_id, changed DESC, resource_type, resource_id) WHERE changed > 0;

ALTER TABLE gov_replay_resources ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_replay_resources FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_replay_resources_tenant ON gov_replay_resources
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, replay_id, resource_type, resource_id, compared, same, allow_to_deny, deny_to_allow, to_error, from_error,
        violations_changed, obligations_changed),
    UPDATE (compared, same, allow_to_deny, deny_to_allow, to_error, from_error, violations_changed, obligations_changed), DELETE
    ON gov_replay_resources TO aumos_governance_app;

-- A replay's counts by rule. A rule without a code goes by its message, which may be long and different each time: its digest is the key, and rows that
-- nobody is shown are removed like those of resources.
CREATE TABLE gov_replay_rules (
    tenant_id uuid   NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    replay_id uuid   NOT NULL,
    sha256    bytea  NOT NULL, -- of the whole code or message
    code      bytea  NOT NULL, -- its beginning
    added     bigint NOT NULL,
    removed   bigint NOT NULL,
    changed   bigint GENERATED ALWAYS AS (added + removed) STORED,
    CONSTRAINT gov_replay_rules_pkey PRIMARY KEY (tenant_id, replay_id, sha256),
    CONSTRAINT gov_replay_rules_replay_fkey FOREIGN KEY (tenant_id, replay_id) REFERENCES gov_replays (tenant_id, id),
    CONSTRAINT gov_replay_rules_code_check CHECK (octet_length(sha256) = 32 AND octet_length(code) <= 1024),
    CONSTRAINT gov_replay_rules_counts_check CHECK (added >= 0 AND removed >= 0 AND added + removed > 0)
);
CREATE INDEX gov_replay_rules_changed_idx ON gov_replay_rules (tenant_id, replay_id, changed DESC, code, sha256);

ALTER TABLE gov_replay_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_replay_rules FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_replay_rules_tenant ON gov_replay_rules
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, replay_id, sha256, code, added, removed), UPDATE (added, removed), DELETE ON gov_replay_rules TO aumos_governance_app;
