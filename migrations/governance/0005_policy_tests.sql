-- The test cases of policies. A change of them grows the policy's suite_revision in the same transaction.
CREATE TABLE gov_policy_test_cases (
    tenant_id   uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id          uuid        NOT NULL,
    policy_id   uuid        NOT NULL,
    name        text        COLLATE "C" NOT NULL,
    spec        bytea       NOT NULL, -- aumos.governance.v1.PolicyTestSpec, serialized
    tags        text[]      NOT NULL DEFAULT '{}',
    revision    bigint      NOT NULL DEFAULT 1,
    create_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT gov_policy_test_cases_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_policy_test_cases_name_key UNIQUE (tenant_id, policy_id, name) DEFERRABLE,
    CONSTRAINT gov_policy_test_cases_policy_fkey FOREIGN KEY (tenant_id, policy_id) REFERENCES gov_policies (tenant_id, id),
    CONSTRAINT gov_policy_test_cases_name_check CHECK (char_length(name) BETWEEN 1 AND 128),
    CONSTRAINT gov_policy_test_cases_spec_check CHECK (octet_length(spec) BETWEEN 1 AND 1048576),
    CONSTRAINT gov_policy_test_cases_revision_check CHECK (revision >= 1)
);

ALTER TABLE gov_policy_test_cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policy_test_cases FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policy_test_cases_tenant ON gov_policy_test_cases
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (name, spec, tags, revision, update_time), DELETE ON gov_policy_test_cases TO aumos_governance_app;

-- What the suites came to when they were run. Runs never change; the oldest of a policy make room for new ones.
CREATE TABLE gov_policy_test_runs (
    tenant_id            uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id                   uuid        NOT NULL,
    policy_id            uuid        NOT NULL,
    version_id           uuid        NOT NULL,
    content_sha256       bytea       NOT NULL,
    suite_revision       bigint      NOT NULL,
    min_coverage_percent integer     NOT NULL,
    complete             boolean     NOT NULL,
    passed               boolean     NOT NULL,
    opens                boolean     NOT NULL GENERATED ALWAYS AS (complete AND passed) STORED, -- whether a version can be activated on its strength
    passed_count         integer     NOT NULL,
    failed_count         integer     NOT NULL,
    error_count          integer     NOT NULL,
    coverage_percent     integer     NOT NULL,
    duration_us          bigint      NOT NULL,
    engine_version       text        NOT NULL,
    report               bytea       NOT NULL, -- aumos.governance.v1.PolicyTestReport, serialized and compressed
    subject              text        NOT NULL,
    run_time             timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT gov_policy_test_runs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_policy_test_runs_gate_key UNIQUE (tenant_id, version_id, id, content_sha256, opens),
    CONSTRAINT gov_policy_test_runs_version_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES gov_policy_versions (tenant_id, id),
    CONSTRAINT gov_policy_test_runs_policy_fkey FOREIGN KEY (tenant_id, policy_id) REFERENCES gov_policies (tenant_id, id),
    CONSTRAINT gov_policy_test_runs_content_sha256_check CHECK (octet_length(content_sha256) = 32),
    CONSTRAINT gov_policy_test_runs_counts_check CHECK (
        passed_count >= 0 AND failed_count >= 0 AND error_count >= 0 AND coverage_percent BETWEEN 0 AND 100 AND suite_revision >= 0),
    CONSTRAINT gov_policy_test_runs_passed_check CHECK (
        NOT passed OR passed_count > 0 AND failed_count = 0 AND error_count = 0 AND coverage_percent >= min_coverage_percent)
);
CREATE INDEX gov_policy_test_runs_policy_idx ON gov_policy_test_runs (tenant_id, policy_id, id);
CREATE INDEX gov_policy_test_runs_version_idx ON gov_policy_test_runs (tenant_id, version_id, id);

ALTER TABLE gov_policy_test_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policy_test_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policy_test_runs_tenant ON gov_policy_test_runs
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, DELETE ON gov_policy_test_runs TO aumos_governance_app;

-- A version is activated on the strength of a run: one of this very version and content, and one of the whole suite that passed.
ALTER TABLE gov_policy_versions
    ADD CONSTRAINT gov_policy_versions_test_run_fkey FOREIGN KEY (tenant_id, id, test_run_id, content_sha256, test_run_passed)
    REFERENCES gov_policy_test_runs (tenant_id, version_id, id, content_sha256, opens);
