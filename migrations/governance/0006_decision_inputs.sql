-- What each tenant keeps of the inputs of decisions: settings, keys, and the inputs themselves, which only the tenant's key opens.
CREATE TABLE gov_decision_settings (
    tenant_id       uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    keep_inputs     boolean     NOT NULL DEFAULT false,
    input_retention bigint,     -- seconds, as asked for
    kept_retention  bigint,     -- seconds, for what is kept: the last input_retention, also after inputs are kept no longer
    masks           jsonb       NOT NULL DEFAULT '[]', -- [{"path": …, "decision_point": …}, …]
    revision        bigint      NOT NULL DEFAULT 0,    -- 0: the row is being made
    update_time     timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT gov_decision_settings_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT gov_decision_settings_input_retention_check CHECK (input_retention BETWEEN 3600 AND 34560000 AND kept_retention = input_retention),
    CONSTRAINT gov_decision_settings_kept_retention_check CHECK (kept_retention BETWEEN 3600 AND 34560000),
    CONSTRAINT gov_decision_settings_keep_inputs_check CHECK (NOT keep_inputs OR input_retention IS NOT NULL),
    CONSTRAINT gov_decision_settings_masks_check CHECK (jsonb_typeof(masks) = 'array' AND jsonb_array_length(masks) <= 256),
    CONSTRAINT gov_decision_settings_revision_check CHECK (revision >= 0)
);

ALTER TABLE gov_decision_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_decision_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_decision_settings_tenant ON gov_decision_settings
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);
-- The upkeep has to find the tenants that have inputs or keys. It may see the rows of all of them in a transaction that says so; what it does to a
-- tenant it does under that tenant.
CREATE POLICY gov_decision_settings_upkeep ON gov_decision_settings FOR SELECT TO aumos_governance_app
    USING (current_setting('aumos.upkeep', true) = 'on');

GRANT SELECT, INSERT (tenant_id), UPDATE (keep_inputs, input_retention, kept_retention, masks, revision, update_time)
    ON gov_decision_settings TO aumos_governance_app;

-- Keys of tenants, encrypted under a key that is not in the database. A destroyed key has no bytes any more; its row stays until everything that
-- it had encrypted is deleted.
CREATE TABLE gov_decision_keys (
    tenant_id    uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id           uuid        NOT NULL,
    purpose      text        NOT NULL,
    wrapping_key text        NOT NULL, -- names the key that encrypts this one; '' for none
    wrapped      bytea,
    create_time  timestamptz NOT NULL DEFAULT statement_timestamp(),
    destroy_time timestamptz,
    CONSTRAINT gov_decision_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_decision_keys_purpose_check CHECK (purpose IN ('INPUTS', 'DIGEST')),
    CONSTRAINT gov_decision_keys_destroy_time_check CHECK ((wrapped IS NULL) = (destroy_time IS NOT NULL)),
    CONSTRAINT gov_decision_keys_wrapped_check CHECK (octet_length(wrapped) BETWEEN 32 AND 128),
    CONSTRAINT gov_decision_keys_wrapping_key_check CHECK (purpose = 'DIGEST' OR wrapping_key <> '')
);
-- A tenant has at most one key for each purpose.
CREATE UNIQUE INDEX gov_decision_keys_live_key ON gov_decision_keys (tenant_id, purpose) WHERE wrapped IS NOT NULL;

ALTER TABLE gov_decision_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_decision_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_decision_keys_tenant ON gov_decision_keys
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, id, purpose, wrapping_key, wrapped), UPDATE (wrapping_key, wrapped, destroy_time), DELETE
    ON gov_decision_keys TO aumos_governance_app;

-- A decision's request may be sent again with another input before the first is decided, so an id may have several; the digest on the wall says
-- which one was decided on.
CREATE TABLE gov_decision_inputs (
    tenant_id    uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    decision_id  uuid        NOT NULL,
    input_sha256 bytea       NOT NULL,
    key_id       uuid        NOT NULL,
    decide_time  timestamptz NOT NULL,
    sealed       bytea       NOT NULL,
    CONSTRAINT gov_decision_inputs_pkey PRIMARY KEY (tenant_id, decision_id, input_sha256),
    CONSTRAINT gov_decision_inputs_input_sha256_check CHECK (octet_length(input_sha256) = 32),
    CONSTRAINT gov_decision_inputs_sealed_check CHECK (octet_length(sealed) BETWEEN 42 AND 262184) -- {} to 256 KiB, with 40 bytes of nonce and tag
);
ALTER TABLE gov_decision_inputs ALTER COLUMN sealed SET STORAGE EXTERNAL; -- what is encrypted does not compress
CREATE INDEX gov_decision_inputs_key_idx ON gov_decision_inputs (tenant_id, key_id, decide_time);

ALTER TABLE gov_decision_inputs ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_decision_inputs FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_decision_inputs_tenant ON gov_decision_inputs
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT, UPDATE (key_id, decide_time, sealed), DELETE ON gov_decision_inputs TO aumos_governance_app;
