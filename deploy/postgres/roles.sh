#!/bin/sh
# Makes the two roles and the database (docs/security.md): one owns the tables, the other one sees a tenant at a time.
# PostgreSQL's image runs it once, when its volume is empty. By hand: with psql's PGHOST, PGUSER and the two passwords.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set owner_password="$FRONTDESK_OWNER_PASSWORD" --set password="$FRONTDESK_DB_PASSWORD" <<'SQL'
CREATE ROLE frontdesk_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE frontdesk LOGIN PASSWORD :'password';
CREATE DATABASE frontdesk OWNER frontdesk_owner;
REVOKE CONNECT ON DATABASE frontdesk FROM PUBLIC;
GRANT CONNECT ON DATABASE frontdesk TO frontdesk;
SQL
