#!/bin/bash
# What the application server needs: Python and PostgreSQL's driver.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

apt-get update -q
apt-get install -y -q --no-install-recommends python3 python3-psycopg2
