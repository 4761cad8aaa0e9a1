#!/bin/bash
# The application server as a service: Python, PostgreSQL's driver, and the program in the project's directory.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

apt-get update -q
apt-get install -y -q --no-install-recommends python3 python3-psycopg2

cat > /etc/systemd/system/application.service <<'UNIT'
[Unit]
Description=The application server
After=network.target

[Service]
User=www-data
ExecStart=/usr/bin/python3 /vagrant/application.py
Restart=on-failure

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet --now application
