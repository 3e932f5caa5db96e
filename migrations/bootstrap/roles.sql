-- The platform's roles. Run by an administrator on the server's maintenance database; running it again changes nothing that is right.
--
-- Owners and the guard cannot log in: migrations become the owner through SET ROLE, and nobody becomes the guard. Application roles own
-- nothing and are subject to row-level security. A login role's password comes as a SCRAM-SHA-256 verifier in the setting
-- aumos_bootstrap.<role>, so that no plain password reaches the server or its log; without the setting the password stays as it is.
DO $$
DECLARE
    wanted   record;
    verifier text;
BEGIN
    FOR wanted IN
        SELECT role.name, role.login, found.oid IS NOT NULL AS present,
            found.rolsuper OR found.rolbypassrls OR found.rolcreatedb OR found.rolcreaterole OR found.rolreplication
                OR found.rolcanlogin <> role.login AS wrong
        FROM (
            VALUES
                ('aumos_governance_owner', false),
                ('aumos_governance_app',   true),
                ('aumos_audit_owner',      false),
                ('aumos_audit_guard',      false),
                ('aumos_audit_writer',     true),
                ('aumos_audit_reader',     true),
                ('aumos_drift_owner',      false),
                ('aumos_drift_app',        true)
        ) AS role (name, login)
        LEFT JOIN pg_roles AS found ON found.rolname = role.name
        ORDER BY role.name
    LOOP
        IF NOT wanted.present THEN
            EXECUTE format('CREATE ROLE %I %s', wanted.name, CASE WHEN wanted.login THEN 'LOGIN' ELSE 'NOLOGIN' END);
        ELSIF wanted.wrong THEN
            EXECUTE format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION %s',
                wanted.name, CASE WHEN wanted.login THEN 'LOGIN' ELSE 'NOLOGIN' END);
        END IF;
        verifier := nullif(current_setting('aumos_bootstrap.' || wanted.name, true), '');
        IF wanted.login AND verifier IS NOT NULL THEN
            EXECUTE format('ALTER ROLE %I PASSWORD %L', wanted.name, verifier);
        END IF;
        -- An administrator who is no superuser (managed PostgreSQL) becomes an owner only as its member.
        IF NOT wanted.login AND NOT pg_has_role(current_user, wanted.name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', wanted.name, current_user);
        END IF;
    END LOOP;
END
$$;
