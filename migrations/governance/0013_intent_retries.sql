-- Intents that failed by themselves are tried again after a pause that grows, so that they hold up neither the drainer nor the requests that change the same
-- resource. How many there are is a metric; what they are is found here.
ALTER TABLE gov_audit_intents
    ADD COLUMN failures   integer     NOT NULL DEFAULT 0,
    ADD COLUMN retry_time timestamptz, -- NULL: the drainer has not failed with it yet
    ADD COLUMN refused    boolean     NOT NULL DEFAULT false, -- the wall does not take what it says: those after it of the same resource go on without it
    ADD CONSTRAINT gov_audit_intents_failures_check CHECK (failures >= 0 AND (failures > 0) = (retry_time IS NOT NULL) AND (failures > 0 OR NOT refused));

GRANT UPDATE (failures, retry_time, refused) ON gov_audit_intents TO aumos_governance_app;

-- For the drainer, which takes those that have been due longest.
CREATE INDEX gov_audit_intents_retry_time_idx ON gov_audit_intents (retry_time, tenant_id, entry_id) WHERE retry_time IS NOT NULL;
