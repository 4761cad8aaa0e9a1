#!/bin/bash
# PostgreSQL with one table, open to the private network.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

apt-get update -q
apt-get install -y -q --no-install-recommends postgresql

configuration=$(echo /etc/postgresql/*/main)
echo "listen_addresses = '*'" > "$configuration/conf.d/network.conf"
echo "host inn guest 192.168.61.0/24 scram-sha-256" >> "$configuration/pg_hba.conf"
systemctl restart postgresql

runuser -u postgres -- psql -q -v ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE guest LOGIN PASSWORD 'guest';
CREATE DATABASE inn OWNER guest;
\connect inn
CREATE TABLE greeting (id serial PRIMARY KEY, text text NOT NULL);
INSERT INTO greeting (text) VALUES ('Welcome to the inn.');
GRANT SELECT ON greeting TO guest;
SQL
