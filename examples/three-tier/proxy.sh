#!/bin/bash
# nginx, passing everything on to the application server.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

apt-get update -q
apt-get install -y -q --no-install-recommends nginx-light

cat > /etc/nginx/sites-available/default <<'NGINX'
server {
    listen 80 default_server;
    location / {
        proxy_pass http://app:8000;
    }
}
NGINX
nginx -t
systemctl enable --quiet --now nginx
systemctl reload nginx
