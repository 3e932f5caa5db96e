-- Versions that overran their deadline repeatedly: they give no answers until an operator lifts the quarantine. A row outlives its quarantine, because
-- lift_count tells overruns from before a lift, which replicas may still report, from those after it.
CREATE TABLE gov_policy_quarantines (
    tenant_id       uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    version_id      uuid        NOT NULL,
    quarantine_time timestamptz, -- NULL: lifted
    overruns        integer     NOT NULL,
    lift_count      bigint      NOT NULL DEFAULT 0,
    CONSTRAINT gov_policy_quarantines_pkey PRIMARY KEY (tenant_id, version_id),
    CONSTRAINT gov_policy_quarantines_version_fkey FOREIGN KEY (tenant_id, version_id) REFERENCES gov_policy_versions (tenant_id, id),
    CONSTRAINT gov_policy_quarantines_counts_check CHECK (overruns >= 1 AND lift_count >= 0),
    CONSTRAINT gov_policy_quarantines_lift_check CHECK (quarantine_time IS NOT NULL OR lift_count >= 1)
);
CREATE INDEX gov_policy_quarantines_time_idx ON gov_policy_quarantines (tenant_id, quarantine_time, version_id) WHERE quarantine_time IS NOT NULL;

ALTER TABLE gov_policy_quarantines ENABLE ROW LEVEL SECURITY;
ALTER TABLE gov_policy_quarantines FORCE ROW LEVEL SECURITY;
CREATE POLICY gov_policy_quarantines_tenant ON gov_policy_quarantines
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT (tenant_id, version_id, quarantine_time, overruns), UPDATE (quarantine_time, overruns, lift_count)
    ON gov_policy_quarantines TO aumos_governance_app;
