-- Statistics name denied resources and violations for a time; counts stay for ever. The names are what may grow with every decision, since callers and
-- policies make them up. The wall keeps them.
GRANT DELETE ON gov_decision_denials, gov_decision_violations TO aumos_governance_app;

-- Who removes them has to find the tenants that have any. They may see the rows of all of them in a transaction that says so, as with
-- gov_decision_settings_upkeep; what they do to a tenant they do under that tenant.
CREATE POLICY gov_decision_cursors_upkeep ON gov_decision_cursors FOR SELECT TO aumos_governance_app
    USING (current_setting('aumos.upkeep', true) = 'on');
