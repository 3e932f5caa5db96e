-- The functions that refuse to change what is on the Audit Wall. They belong to a role of their own that nobody can log in as: were they the
-- table owner's, the owner could replace them with functions that let everything through.
--
-- SECURITY INVOKER and a fixed search_path: they run with no rights but the caller's and resolve no name that a caller could shadow.
-- The SQLSTATEs WALL1 to WALL3 tell a refusal of theirs from a missing privilege.
CREATE SCHEMA aumos_audit_guard AUTHORIZATION aumos_audit_guard;
REVOKE ALL ON SCHEMA aumos_audit_guard FROM PUBLIC;

CREATE FUNCTION aumos_audit_guard.deny_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit wall is append-only: % of %.% is refused', tg_op, tg_table_schema, tg_table_name
        USING ERRCODE = 'WALL1';
END
$$;

CREATE FUNCTION aumos_audit_guard.deny_ddl() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit wall''s schema is sealed: % is refused', tg_tag
        USING ERRCODE = 'WALL2', HINT = 'Only "governance migrate" lifts this, in its own transaction.';
END
$$;

CREATE FUNCTION aumos_audit_guard.deny_rewrite() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit wall''s tables are never rewritten: % is refused', tg_tag
        USING ERRCODE = 'WALL3';
END
$$;

ALTER FUNCTION aumos_audit_guard.deny_change() OWNER TO aumos_audit_guard;
ALTER FUNCTION aumos_audit_guard.deny_ddl() OWNER TO aumos_audit_guard;
ALTER FUNCTION aumos_audit_guard.deny_rewrite() OWNER TO aumos_audit_guard;

REVOKE ALL ON FUNCTION aumos_audit_guard.deny_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION aumos_audit_guard.deny_ddl() FROM PUBLIC;
REVOKE ALL ON FUNCTION aumos_audit_guard.deny_rewrite() FROM PUBLIC;

-- What the owner needs to put triggers on its tables; triggers that exist need no grant to run.
GRANT USAGE ON SCHEMA aumos_audit_guard TO aumos_audit_owner;
GRANT EXECUTE ON FUNCTION aumos_audit_guard.deny_change() TO aumos_audit_owner;
