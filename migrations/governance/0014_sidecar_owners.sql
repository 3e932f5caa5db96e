-- Who speaks for a sidecar: the subject that first did. Rows from before, and what the binary before writes, have none ('') until somebody speaks for them.
ALTER TABLE gov_sidecars
    ADD COLUMN owner text NOT NULL DEFAULT '',
    ADD CONSTRAINT gov_sidecars_owner_check CHECK (octet_length(owner) <= 255);
GRANT INSERT (owner), UPDATE (owner) ON gov_sidecars TO aumos_governance_app;
