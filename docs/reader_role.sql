-- A role that may read the marts and nothing else: run it once as the owner of the database, after the first publication.
--   psql "$REPORTING_DATABASE_URL" -v reader=dashboards -v password="$DASHBOARDS_PASSWORD" -f docs/reader_role.sql
-- Tables of later versions are readable by themselves. Analysts who want views of their own get a schema of their own.
\set ON_ERROR_STOP on
CREATE ROLE :"reader" LOGIN PASSWORD :'password' CONNECTION LIMIT 50;
ALTER ROLE :"reader" SET default_transaction_read_only = on;
ALTER ROLE :"reader" SET search_path = marts;
GRANT USAGE ON SCHEMA marts TO :"reader";
GRANT SELECT ON ALL TABLES IN SCHEMA marts TO :"reader";
ALTER DEFAULT PRIVILEGES IN SCHEMA marts GRANT SELECT ON TABLES TO :"reader";
