-- Policies, their immutable versions and the versions' Rego sources. The grants leave the service no way to change what a version says, nor to remove a
-- version or a policy: a version changes only in its state, a policy only in what is said of it.
CREATE TABLE gov_policies (
    tenant_id             uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id                    uuid        NOT NULL,
    name                  text        NOT NULL,
    description           text        NOT NULL,
    labels                jsonb       NOT NULL DEFAULT '{}',
    regulation_references text[]      NOT NULL DEFAULT '{}',
    min_coverage_percent  integer     NOT NULL DEFAULT 0,
    version_count         integer     NOT NULL DEFAULT 0,
    suite_revision        bigint      NOT NULL DEFAULT 0,
    revision              bigint      NOT NULL DEFAULT 1,
    create_time           timestamptz NOT NULL DEFAULT now(),
    update_time           timestamptz NOT NULL DEFAULT now(),
    archive_time          timestamptz,
    CONSTRAINT gov_policies_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_policies_name_key UNIQUE (tenant_id, name),
    CONSTRAINT gov_policies_name_check CHECK (char_length(name) <= 128 AND name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]*$'),
    CONSTRAINT gov_policies_description_check CHECK (char_length(description) <= 2000),
    CONSTRAINT gov_policies_labels_check CHECK (jsonb_typeof(labels) = 'object' AND octet_length(labels::text) <= 65536),
    CONSTRAINT gov_policies_regulation_references_check CHECK (
        cardinality(regulation_references) <= 64 AND array_position(regulation_references, NULL) IS NULL),
    CONSTRAINT gov_policies_min_coverage_percent_check CHECK (min_coverage_percent BETWEEN 0 AND 100),
    CONSTRAINT gov_policies_counters_check CHECK (version_count >= 0 AND suite_revision >= 0 AND revision >= 1)
);

ALTER TABLE gov_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policies_tenant ON gov_policies
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, id, name, description, labels, regulation_references, min_coverage_percent),
    UPDATE (name, description, labels, regulation_references, min_coverage_percent, version_count, suite_revision, revision, update_time, archive_time)
    ON gov_policies TO aumos_governance_app;

CREATE TABLE gov_policy_decision_points (
    tenant_id      uuid    NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    policy_id      uuid    NOT NULL,
    ordinal        integer NOT NULL,
    decision_point text    NOT NULL,
    CONSTRAINT gov_policy_decision_points_pkey PRIMARY KEY (tenant_id, policy_id, ordinal),
    CONSTRAINT gov_policy_decision_points_decision_point_key UNIQUE (tenant_id, policy_id, decision_point),
    CONSTRAINT gov_policy_decision_points_policy_fkey FOREIGN KEY (tenant_id, policy_id) REFERENCES gov_policies (tenant_id, id),
    CONSTRAINT gov_policy_decision_points_ordinal_check CHECK (ordinal BETWEEN 1 AND 32),
    CONSTRAINT gov_policy_decision_points_decision_point_check CHECK (
        char_length(decision_point) <= 128 AND decision_point ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$')
);
CREATE INDEX gov_policy_decision_points_idx ON gov_policy_decision_points (tenant_id, decision_point, policy_id);

ALTER TABLE gov_policy_decision_points ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policy_decision_points FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policy_decision_points_tenant ON gov_policy_decision_points
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, DELETE ON gov_policy_decision_points TO aumos_governance_app;

-- A version's numbers follow the order in which their transactions got hold of the policy, and so does create_time: now() would tell when
-- the transaction began to wait.
CREATE TABLE gov_policy_versions (
    tenant_id       uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id              uuid        NOT NULL,
    policy_id       uuid        NOT NULL,
    number          integer     NOT NULL,
    state           text        NOT NULL DEFAULT 'DRAFT',
    content_sha256  bytea       NOT NULL,
    package         text        NOT NULL,
    data            text,       -- canonical JSON of an object; NULL: the version has none
    description     text        NOT NULL DEFAULT '',
    author          text        NOT NULL,
    submitter       text,
    approver        text,
    test_run_id     uuid,       -- the run that opened the way to its first activation; its foreign key comes with the runs
    test_run_passed boolean     GENERATED ALWAYS AS (CASE WHEN test_run_id IS NOT NULL THEN true END) STORED,
    create_time     timestamptz NOT NULL DEFAULT statement_timestamp(),
    activate_time   timestamptz,
    retire_time     timestamptz,
    CONSTRAINT gov_policy_versions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_policy_versions_number_key UNIQUE (tenant_id, policy_id, number),
    CONSTRAINT gov_policy_versions_policy_fkey FOREIGN KEY (tenant_id, policy_id) REFERENCES gov_policies (tenant_id, id),
    CONSTRAINT gov_policy_versions_number_check CHECK (number >= 1),
    CONSTRAINT gov_policy_versions_state_check CHECK (
        state IN ('DRAFT', 'IN_REVIEW', 'APPROVED', 'ACTIVE', 'RETIRED')
        AND (state IN ('ACTIVE', 'RETIRED')) = (activate_time IS NOT NULL)
        AND (state = 'RETIRED') = (retire_time IS NOT NULL)),
    -- Nothing becomes active that one person alone has written and let through, nor what no test has seen.
    CONSTRAINT gov_policy_versions_review_check CHECK (
        (state <> 'DRAFT') = (submitter IS NOT NULL)
        AND (state NOT IN ('DRAFT', 'IN_REVIEW')) = (approver IS NOT NULL)
        AND approver <> author AND approver <> submitter
        AND octet_length(submitter) BETWEEN 1 AND 255 AND octet_length(approver) BETWEEN 1 AND 255),
    CONSTRAINT gov_policy_versions_tested_check CHECK ((state IN ('ACTIVE', 'RETIRED')) = (test_run_id IS NOT NULL)),
    CONSTRAINT gov_policy_versions_data_check CHECK (octet_length(data) BETWEEN 2 AND 262144),
    CONSTRAINT gov_policy_versions_description_check CHECK (char_length(description) <= 2000),
    CONSTRAINT gov_policy_versions_content_sha256_check CHECK (octet_length(content_sha256) = 32),
    CONSTRAINT gov_policy_versions_package_check CHECK (char_length(package) BETWEEN 1 AND 255),
    CONSTRAINT gov_policy_versions_author_check CHECK (octet_length(author) BETWEEN 1 AND 255)
);
-- A policy has at most one active version.
CREATE UNIQUE INDEX gov_policy_versions_active_key ON gov_policy_versions (tenant_id, policy_id) WHERE state = 'ACTIVE';

ALTER TABLE gov_policy_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policy_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policy_versions_tenant ON gov_policy_versions
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, id, policy_id, number, content_sha256, package, data, description, author),
    UPDATE (state, submitter, approver, test_run_id, activate_time, retire_time)
    ON gov_policy_versions TO aumos_governance_app;

-- The sources that content_sha256 covers, in the order of ordinal.
CREATE TABLE gov_policy_modules (
    tenant_id  uuid    NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    version_id uuid    NOT NULL,
    ordinal    integer NOT NULL,
    path       text    NOT NULL,
    source     text    NOT NULL,
    CONSTRAINT gov_policy_modules_pkey PRIMARY KEY (tenant_id, version_id, ordinal),
    CONSTRAINT gov_policy_modules_path_key UNIQUE (tenant_id, version_id, path),
    CONSTRAINT gov_policy_modules_version_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES gov_policy_versions (tenant_id, id),
    CONSTRAINT gov_policy_modules_ordinal_check CHECK (ordinal BETWEEN 1 AND 16),
    CONSTRAINT gov_policy_modules_path_check CHECK (char_length(path) <= 255 AND path ~ '^[A-Za-z0-9_][A-Za-z0-9_/-]*\.rego$'),
    CONSTRAINT gov_policy_modules_source_check CHECK (octet_length(source) BETWEEN 1 AND 262144)
);

ALTER TABLE gov_policy_modules ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policy_modules FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policy_modules_tenant ON gov_policy_modules
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT ON gov_policy_modules TO aumos_governance_app;

-- The steps of a version's review, in the order of ordinal.
CREATE TABLE gov_policy_reviews (
    tenant_id   uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    version_id  uuid        NOT NULL,
    ordinal     integer     NOT NULL,
    action      text        NOT NULL,
    subject     text        NOT NULL,
    comment     text        NOT NULL,
    review_time timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT gov_policy_reviews_pkey PRIMARY KEY (tenant_id, version_id, ordinal),
    CONSTRAINT gov_policy_reviews_version_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES gov_policy_versions (tenant_id, id),
    CONSTRAINT gov_policy_reviews_ordinal_check CHECK (ordinal BETWEEN 1 AND 100),
    CONSTRAINT gov_policy_reviews_action_check CHECK (action IN ('SUBMITTED', 'APPROVED', 'REJECTED')),
    CONSTRAINT gov_policy_reviews_subject_check CHECK (octet_length(subject) BETWEEN 1 AND 255),
    CONSTRAINT gov_policy_reviews_comment_check CHECK (char_length(comment) <= 2000)
);

ALTER TABLE gov_policy_reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policy_reviews FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policy_reviews_tenant ON gov_policy_reviews
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, version_id, ordinal, action, subject, comment) ON gov_policy_reviews TO aumos_governance_app;
