-- Seals the schema: from here on every DDL command in this database fails, whoever sends it, and so does every rewrite of a table. The migration
-- command disables both triggers in its own transaction and enables them again.
--
-- What no event trigger sees: commands on shared objects (roles, databases), on event triggers themselves, REASSIGN OWNED, and a superuser's
-- edits of the catalogue. Verification against checkpoints held elsewhere is what finds those.
CREATE EVENT TRIGGER aumos_audit_deny_ddl ON ddl_command_start EXECUTE FUNCTION aumos_audit_guard.deny_ddl();
CREATE EVENT TRIGGER aumos_audit_deny_rewrite ON table_rewrite EXECUTE FUNCTION aumos_audit_guard.deny_rewrite();
ALTER EVENT TRIGGER aumos_audit_deny_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER aumos_audit_deny_rewrite ENABLE ALWAYS;
