-- Who loads the tenants' bundles, by what they say of themselves. A sidecar's row is its last word; rows of those not heard of for long are deleted.
CREATE TABLE gov_sidecars (
    tenant_id       uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id              text        COLLATE "C" NOT NULL,
    version         text        NOT NULL,
    loaded_revision text        NOT NULL,
    healthy         boolean     NOT NULL,
    message         text        NOT NULL,
    first_seen_time timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_seen_time  timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT gov_sidecars_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT gov_sidecars_id_check CHECK (char_length(id) <= 128 AND id ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]*$'),
    CONSTRAINT gov_sidecars_version_check CHECK (char_length(version) <= 128),
    CONSTRAINT gov_sidecars_loaded_revision_check CHECK (char_length(loaded_revision) <= 128),
    CONSTRAINT gov_sidecars_message_check CHECK (char_length(message) <= 1000)
);
CREATE INDEX gov_sidecars_last_seen_idx ON gov_sidecars (tenant_id, last_seen_time, id);

ALTER TABLE gov_sidecars ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_sidecars FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_sidecars_tenant ON gov_sidecars
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, id, version, loaded_revision, healthy, message),
    UPDATE (version, loaded_revision, healthy, message, last_seen_time), DELETE ON gov_sidecars TO aumos_governance_app;
