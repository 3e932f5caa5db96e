-- An activation also changes the baseline that it retires, and the monitor: each has an entry with its new state.
ALTER TABLE drf_evidence
    DROP CONSTRAINT drf_evidence_kind_check,
    ADD CONSTRAINT drf_evidence_kind_check CHECK (kind IN (
        'drift.model_registered', 'drift.monitor_created', 'drift.monitor_changed', 'drift.baseline_uploaded', 'drift.baseline_activated',
        'drift.baseline_retired', 'drift.detection'));

-- Evidence about one resource is recorded in the order of its changes, so that the state recorded last is the state that the resource has. Changes
-- of a resource wait for each other on its monitor's row before they write their evidence, which makes the sequence that order.
ALTER TABLE drf_evidence
    ADD COLUMN sequence bigint GENERATED ALWAYS AS IDENTITY;
