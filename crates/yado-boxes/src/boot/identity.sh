# What a virtual machine is told on the volume beside its disk, and how it is taken to heart: before a boot from outside of
# the root file system ($root is where that is mounted), and in a system that is up (where $root is empty).

# Mounts the volume on /seed. Its label stands in its first descriptor.
find_seed() {
    for disk in /sys/block/*; do
        disk=/dev/${disk##*/}
        [ "$disk" != "$device" ] || continue
        label=$(dd if="$disk" bs=1 skip=32808 count=6 2>/dev/null)
        [ "$label" != cidata ] || { mount -t iso9660 -o ro "$disk" "$seed" && return 0; }
    done
    return 1
}

# What the machine is told takes effect once; later changes of its files are the user's.
take_seed() {
    read -r new <"$seed/serial" || return 0
    old=
    [ ! -r "$root/var/lib/yado/serial" ] || read -r old <"$root/var/lib/yado/serial"
    [ "$new" != "$old" ] || return 0
    mkdir -p "$root/var/lib/yado"
    rm -f "$root"/etc/systemd/network/10-yado-*.network "$root"/etc/systemd/system/*/systemd-networkd.service \
        "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
    tar -x -f "$seed/files.tar" -C "$root/" || fail "the seed cannot be unpacked: is the disk full?"
    {
        sed '/^# yado: machines of this environment$/,/^# yado: end$/d' "$root/etc/hosts"
        cat "$seed/hosts"
    } >"$root/etc/hosts.yado" && mv "$root/etc/hosts.yado" "$root/etc/hosts"
    cp "$seed/serial" "$root/var/lib/yado/serial"
}

# Addresses are given before the machine's own programs start: they never change while it runs, and a program that gives
# them would take longer for that than all the rest of the start.
set_network() {
    while read -r mac kind value; do
        for link in /sys/class/net/*; do
            read -r own <"$link/address"
            [ "$own" = "$mac" ] || continue
            name=${link##*/}
            case $kind in
            up) ip link set "$name" up ;;
            address) ip addr add "$value" dev "$name" ;;
            gateway) ip route add default via "$value" dev "$name" ;;
            esac
        done
    done <"$seed/network"
}
