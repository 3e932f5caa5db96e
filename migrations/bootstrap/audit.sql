-- Who may enter the audit database. Run by an administrator inside it; running it again changes nothing that is right. Tables are granted
-- by the migrations that create them.
DO $$
DECLARE
    application text;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    IF EXISTS (
        SELECT
        FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS privilege
        WHERE nspname = 'public' AND privilege.grantee = 0
    ) THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;
    FOREACH application IN ARRAY ARRAY['aumos_audit_writer', 'aumos_audit_reader'] LOOP
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), application);
        IF NOT has_schema_privilege(application, 'public', 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', application);
        END IF;
    END LOOP;
END
$$;
