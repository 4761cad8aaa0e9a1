#!/usr/bin/env bash
# `yado compare` with every provider of this computer in one run, without touching its own engines: a network namespace,
# a dockerd, a storage for Podman and a state of yado's are made for it and taken away.
#
#   bench/compare.sh FOLDER [ARGUMENTS of yado compare...]
#
# writes figures.json, page.html, page.ja.html, page.png, page.dark.png, page.phone.png, page.phone.dark.png, table.txt and
# values.csv into FOLDER, and fails when something hangs over in a page. Needs root, Chromium, and YADO (default:
# target/release/yado) built. Engines that are not installed are left out. What is in FOLDER is replaced when all of it
# succeeded. All together takes `--time` (two minutes without it) and two minutes more, where that is enough for everything
# to be taken once: with emulated virtual machines that takes ten.
set -euo pipefail
cd "$(dirname "$0")/.."
yado=$(realpath "${YADO:-target/release/yado}")
target=$(realpath "${1:?a folder to write to}")
shift

if [ -z "${YADO_BENCH_INSIDE:-}" ]; then
    export YADO_BENCH_INSIDE=1 YADO="$yado"
    unshare --net --mount "$0" "$target" "$@" &
    inside=$!
    # Boxes may have to be fetched. pasta leads out of the namespace without a change of this computer's own network.
    door=$(mktemp)
    close() {
        kill $(cat "$door.pid" 2>/dev/null) 2>/dev/null || true
        umount --lazy "$door" 2>/dev/null || true
        rm -f "$door" "$door.pid"
    }
    trap close EXIT
    trap 'kill -INT $inside 2>/dev/null' INT TERM
    if command -v pasta >/dev/null; then
        until [ "$(readlink "/proc/$inside/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
        mount --bind "/proc/$inside/ns/net" "$door"
        pasta --config-net --quiet --runas 0 --netns "$door" --netns-only --pid "$door.pid" 2>/dev/null ||
            echo "No way out: pasta failed." >&2
    fi
    status=0
    wait "$inside" || status=$?
    exit $status
fi

ip link set lo up
# What goes out first is there, or there is no way out.
for _ in $(seq 50); do
    [ -n "$(ip route show default)" ] && break
    sleep 0.1
done
room=$(mktemp -d "${TMPDIR:-/var/tmp}/yado-bench-XXXXXX")
export YADO_HOME="$room/yado"
daemon=
leave() {
    [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; } || true
    rm -rf "$room"
}
trap leave EXIT
if command -v dockerd >/dev/null; then
    export DOCKER_HOST="unix://$room/docker.sock"
    echo '{}' >"$room/daemon.json"
    dockerd --config-file "$room/daemon.json" --data-root "$room/docker" --exec-root "$room/docker-run" \
        --pidfile "$room/docker.pid" --host "$DOCKER_HOST" >"$room/docker.log" 2>&1 &
    daemon=$!
    for _ in $(seq 300); do
        docker version >/dev/null 2>&1 && break
        sleep 0.1
    done
fi
if command -v podman >/dev/null; then
    export CONTAINERS_STORAGE_CONF="$room/storage.conf"
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$room/podman" "$room/podman-run" \
        >"$CONTAINERS_STORAGE_CONF"
    # Podman asks for higher limits than some hosts grant; and crun cannot work with every mixture of cgroups.
    export CONTAINERS_CONF="$room/containers.conf"
    cat >"$CONTAINERS_CONF" <<END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "$(command -v runc >/dev/null && echo runc || echo crun)"
tmp_dir = "$room/podman-tmp"
[network]
network_backend = "netavark"
network_config_dir = "$room/podman-networks"
END
fi
begin=$SECONDS
made="$room/made"
mkdir "$made"
"$yado" compare "$@" --lang en --json "$made/figures.json" --html "$made/page.html" --csv "$made/values.csv" |
    tee "$made/table.txt"
echo "Measured for $((SECONDS - begin)) s."
"$yado" compare --from "$made/figures.json" --html "$made/page.ja.html" --lang ja >/dev/null
"$yado" compare --from "$made/figures.json" --lang en --png "$made/page.png" >/dev/null
bench/look_at_page.py "$made"
mkdir -p "$target"
cp "$made"/* "$target/"
echo "Written to $target after $((SECONDS - begin)) s."
