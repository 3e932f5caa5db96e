-- Intents of one resource are appended in the order of its changes, so that the state recorded last is the state that the resource has. Changes of
-- a resource wait for each other on its row before they write their intents, which makes the sequence that order.
ALTER TABLE gov_audit_intents
    ADD COLUMN sequence      bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN resource_type text COLLATE "C", -- NULL: the intent is from before this migration
    ADD COLUMN resource_id   text COLLATE "C";
