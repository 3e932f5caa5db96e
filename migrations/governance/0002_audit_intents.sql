-- Audit entries of mutations, between the mutation's commit and the entry's place on the Audit Wall: written in the mutation's transaction,
-- deleted once the wall has the entry. What a crash leaves here is appended after it.
CREATE TABLE gov_audit_intents (
    tenant_id  uuid        NOT NULL,
    entry_id   uuid        NOT NULL,
    entry      bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT gov_audit_intents_pkey PRIMARY KEY (tenant_id, entry_id),
    CONSTRAINT gov_audit_intents_entry_check CHECK (octet_length(entry) BETWEEN 1 AND 65535)
);

-- For the drainer, which takes the oldest first.
CREATE INDEX gov_audit_intents_created_at_idx ON gov_audit_intents (created_at, tenant_id, entry_id);

ALTER TABLE gov_audit_intents ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_audit_intents FORCE ROW LEVEL SECURITY;

CREATE POLICY gov_audit_intents_tenant ON gov_audit_intents
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

-- The drainer has to find the tenants that have intents. It may see rows of all of them in a transaction that says so; it reads and deletes
-- each tenant's under that tenant.
CREATE POLICY gov_audit_intents_drain ON gov_audit_intents FOR SELECT TO aumos_governance_app
    USING (current_setting('aumos.drain', true) = 'on');

GRANT SELECT, INSERT, DELETE ON gov_audit_intents TO aumos_governance_app;
