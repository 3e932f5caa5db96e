-- The models of a tenant. Nothing changes a model yet, so the service may only add and read.
CREATE TABLE drf_models (
    tenant_id   uuid        NOT NULL DEFAULT nullif(current_setting('aumos.tenant_id', true), '')::uuid,
    id          uuid        NOT NULL,
    name        text        NOT NULL,
    task        text        NOT NULL,
    owner       text        NOT NULL,
    description text        NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT drf_models_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT drf_models_name_key UNIQUE (tenant_id, name),
    CONSTRAINT drf_models_name_check CHECK (char_length(name) BETWEEN 1 AND 128),
    CONSTRAINT drf_models_task_check CHECK (task IN (
        'BINARY_CLASSIFICATION', 'MULTICLASS_CLASSIFICATION', 'REGRESSION', 'RANKING', 'GENERATION')),
    CONSTRAINT drf_models_owner_check CHECK (char_length(owner) BETWEEN 1 AND 255),
    CONSTRAINT drf_models_description_check CHECK (char_length(description) <= 2000)
);

ALTER TABLE drf_models ENABLE ROW LEVEL SECURITY;
ALTER TABLE drf_models FORCE ROW LEVEL SECURITY;
CREATE POLICY drf_models_tenant ON drf_models
    USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);

GRANT SELECT, INSERT ON drf_models TO aumos_drift_app;
