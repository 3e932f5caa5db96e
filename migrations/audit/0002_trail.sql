-- The Audit Wall: the entries of all tenants' logs, and the signed heads over them. Rows are inserted and never touched again.
CREATE TABLE gov_audit_trail_entries (
    tenant_id      uuid        NOT NULL,
    leaf_index     bigint      NOT NULL, -- gapless from 0 within a tenant
    entry_id       uuid        NOT NULL, -- chosen by the writer: what makes an append idempotent
    content_sha256 bytea       NOT NULL, -- of what the writer said: tells a repeated append from another one under the same id
    hashes         bytea       NOT NULL, -- of the tree nodes that this leaf completes, leaf hash first, 32 bytes each
    recorded_at    timestamptz NOT NULL, -- never decreasing within a tenant
    effective_at   timestamptz NOT NULL, -- as the writer says; the recorded time otherwise
    state_change   boolean     NOT NULL, -- whether the entry carries its resource's new state, or ends the resource
    -- Copies of fields of the entry, for search alone; verification compares them with the entry.
    event_type     text        COLLATE "C" NOT NULL,
    action         text        COLLATE "C" NOT NULL,
    outcome        text        NOT NULL,
    actor_id       text        COLLATE "C" NOT NULL,
    resource_type  text        COLLATE "C" NOT NULL,
    resource_id    text        COLLATE "C" NOT NULL,
    source_service text        COLLATE "C" NOT NULL,
    correlation_id text        COLLATE "C" NOT NULL,
    request_id     text        COLLATE "C" NOT NULL,
    entry          bytea       NOT NULL, -- the serialized entry: these exact bytes are the Merkle leaf
    CONSTRAINT gov_audit_trail_entries_pkey PRIMARY KEY (tenant_id, leaf_index),
    CONSTRAINT gov_audit_trail_entries_entry_id_key UNIQUE (tenant_id, entry_id),
    CONSTRAINT gov_audit_trail_entries_leaf_index_check CHECK (leaf_index >= 0),
    CONSTRAINT gov_audit_trail_entries_content_sha256_check CHECK (octet_length(content_sha256) = 32),
    CONSTRAINT gov_audit_trail_entries_hashes_check
        CHECK (octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 2048),
    CONSTRAINT gov_audit_trail_entries_outcome_check CHECK (outcome IN ('SUCCESS', 'DENIED', 'FAILURE')),
    -- The limit of C2SP tlog-tiles, whose entry bundles have 16-bit lengths.
    CONSTRAINT gov_audit_trail_entries_entry_check CHECK (octet_length(entry) BETWEEN 1 AND 65535)
) PARTITION BY HASH (tenant_id);

-- One index for each filter. Where most entries share a value (no correlation, success), that value is not worth an index.
--
-- Lists go by leaf_index; a range of recorded_at is turned into a range of leaf_index first, since both grow together.
CREATE INDEX gov_audit_trail_entries_event_type_idx ON gov_audit_trail_entries (tenant_id, event_type, leaf_index);
CREATE INDEX gov_audit_trail_entries_action_idx ON gov_audit_trail_entries (tenant_id, action, leaf_index);
CREATE INDEX gov_audit_trail_entries_outcome_idx ON gov_audit_trail_entries (tenant_id, outcome, leaf_index) WHERE outcome <> 'SUCCESS';
CREATE INDEX gov_audit_trail_entries_source_idx ON gov_audit_trail_entries (tenant_id, source_service, leaf_index);
CREATE INDEX gov_audit_trail_entries_correlation_idx ON gov_audit_trail_entries (tenant_id, correlation_id, leaf_index)
    WHERE correlation_id <> '';
CREATE INDEX gov_audit_trail_entries_actor_idx ON gov_audit_trail_entries (tenant_id, actor_id, leaf_index);
CREATE INDEX gov_audit_trail_entries_resource_type_idx ON gov_audit_trail_entries (tenant_id, resource_type, leaf_index);
CREATE INDEX gov_audit_trail_entries_resource_idx ON gov_audit_trail_entries (tenant_id, resource_type, resource_id, leaf_index);
CREATE INDEX gov_audit_trail_entries_recorded_at_idx ON gov_audit_trail_entries (tenant_id, recorded_at, leaf_index);

-- The past states of resources, by what was known and by what was in effect. Decisions and other entries that change nothing cost nothing here.
CREATE INDEX gov_audit_trail_entries_state_idx ON gov_audit_trail_entries (tenant_id, resource_type, resource_id, leaf_index)
    WHERE state_change;
CREATE INDEX gov_audit_trail_entries_effect_idx ON gov_audit_trail_entries (tenant_id, resource_type, resource_id, effective_at, leaf_index)
    WHERE state_change;

CREATE TABLE gov_audit_checkpoints (
    tenant_id  uuid        NOT NULL,
    tree_size  bigint      NOT NULL,
    root_hash  bytea       NOT NULL,
    note       text        NOT NULL, -- the C2SP signed note over both
    key_ids    text[]      NOT NULL, -- of the keys that signed it: eight hexadecimal digits each, as in the note's signature lines
    created_at timestamptz NOT NULL,
    CONSTRAINT gov_audit_checkpoints_pkey PRIMARY KEY (tenant_id, tree_size),
    CONSTRAINT gov_audit_checkpoints_tree_size_check CHECK (tree_size > 0),
    CONSTRAINT gov_audit_checkpoints_root_hash_check CHECK (octet_length(root_hash) = 32),
    CONSTRAINT gov_audit_checkpoints_note_check CHECK (octet_length(note) BETWEEN 1 AND 65535),
    CONSTRAINT gov_audit_checkpoints_key_ids_check CHECK (cardinality(key_ids) BETWEEN 1 AND 16)
);

-- What witnesses said of checkpoints (c2sp.org/tlog-cosignature): they saw this head, and it contains every head that they saw before.
CREATE TABLE gov_audit_cosignatures (
    tenant_id   uuid        NOT NULL,
    tree_size   bigint      NOT NULL,
    root_hash   bytea       NOT NULL,
    key_name    text        COLLATE "C" NOT NULL, -- the witness's name
    key_id      text        COLLATE "C" NOT NULL, -- eight hexadecimal digits
    line        text        NOT NULL, -- the signature line, without its line feed
    cosigned_at timestamptz NOT NULL, -- as the witness says, under its signature
    CONSTRAINT gov_audit_cosignatures_pkey PRIMARY KEY (tenant_id, tree_size, key_name, key_id),
    CONSTRAINT gov_audit_cosignatures_tree_size_check CHECK (tree_size > 0),
    CONSTRAINT gov_audit_cosignatures_root_hash_check CHECK (octet_length(root_hash) = 32),
    CONSTRAINT gov_audit_cosignatures_key_id_check CHECK (key_id ~ '^[0-9a-f]{8}$'),
    CONSTRAINT gov_audit_cosignatures_line_check CHECK (octet_length(line) BETWEEN 1 AND 8192)
);

DO $$
DECLARE
    wall text;
BEGIN
    -- Partitions are made here, by a migration, and never at run time: each needs every guard below.
    FOR i IN 0..3 LOOP
        EXECUTE format('CREATE TABLE gov_audit_trail_entries_p%s PARTITION OF gov_audit_trail_entries '
                       'FOR VALUES WITH (MODULUS 4, REMAINDER %s)', i, i);
    END LOOP;

    -- A BEFORE ROW trigger on the partitioned table is cloned to its partitions, a statement trigger is not (a TRUNCATE of a partition would
    -- pass), and neither is row-level security nor ENABLE ALWAYS, without which session_replication_role = replica skips a trigger.
    CREATE TRIGGER aumos_audit_deny_row BEFORE UPDATE OR DELETE ON gov_audit_trail_entries
        FOR EACH ROW EXECUTE FUNCTION aumos_audit_guard.deny_change();
    CREATE TRIGGER aumos_audit_deny_row BEFORE UPDATE OR DELETE ON gov_audit_checkpoints
        FOR EACH ROW EXECUTE FUNCTION aumos_audit_guard.deny_change();
    CREATE TRIGGER aumos_audit_deny_row BEFORE UPDATE OR DELETE ON gov_audit_cosignatures
        FOR EACH ROW EXECUTE FUNCTION aumos_audit_guard.deny_change();

    FOREACH wall IN ARRAY ARRAY[
        'gov_audit_trail_entries', 'gov_audit_trail_entries_p0', 'gov_audit_trail_entries_p1', 'gov_audit_trail_entries_p2',
        'gov_audit_trail_entries_p3', 'gov_audit_checkpoints', 'gov_audit_cosignatures'
    ] LOOP
        EXECUTE format('CREATE TRIGGER aumos_audit_deny_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION aumos_audit_guard.deny_change()', wall);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER aumos_audit_deny_row', wall);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER aumos_audit_deny_statement', wall);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', wall);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', wall);
        -- Not even the owner keeps the privileges; giving them back takes a GRANT, which the DDL guard refuses.
        EXECUTE format('REVOKE ALL ON %I FROM aumos_audit_owner', wall);
    END LOOP;
END
$$;

-- The writer adds rows of any tenant and reads back only what sequencing needs, never an entry's content. The reader reads everything, of
-- the transaction's tenant alone. Nothing is granted on partitions, and no policy there lets anything through.
CREATE POLICY gov_audit_trail_entries_append ON gov_audit_trail_entries FOR INSERT TO aumos_audit_writer WITH CHECK (true);
CREATE POLICY gov_audit_trail_entries_sequence ON gov_audit_trail_entries FOR SELECT TO aumos_audit_writer USING (true);
CREATE POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries FOR SELECT TO aumos_audit_reader
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

CREATE POLICY gov_audit_checkpoints_append ON gov_audit_checkpoints FOR INSERT TO aumos_audit_writer WITH CHECK (true);
CREATE POLICY gov_audit_checkpoints_compare ON gov_audit_checkpoints FOR SELECT TO aumos_audit_writer USING (true);
CREATE POLICY gov_audit_checkpoints_read ON gov_audit_checkpoints FOR SELECT TO aumos_audit_reader
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

CREATE POLICY gov_audit_cosignatures_append ON gov_audit_cosignatures FOR INSERT TO aumos_audit_writer WITH CHECK (true);
CREATE POLICY gov_audit_cosignatures_compare ON gov_audit_cosignatures FOR SELECT TO aumos_audit_writer USING (true);
CREATE POLICY gov_audit_cosignatures_read ON gov_audit_cosignatures FOR SELECT TO aumos_audit_reader
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT INSERT ON gov_audit_trail_entries TO aumos_audit_writer;
GRANT SELECT (tenant_id, leaf_index, entry_id, content_sha256, hashes, recorded_at) ON gov_audit_trail_entries TO aumos_audit_writer;
GRANT SELECT ON gov_audit_trail_entries TO aumos_audit_reader;

GRANT INSERT, SELECT ON gov_audit_checkpoints TO aumos_audit_writer;
GRANT SELECT ON gov_audit_checkpoints TO aumos_audit_reader;

GRANT INSERT, SELECT ON gov_audit_cosignatures TO aumos_audit_writer;
GRANT SELECT ON gov_audit_cosignatures TO aumos_audit_reader;
