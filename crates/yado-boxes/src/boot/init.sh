#!/bin/busybox sh
# The first program of a virtual machine that yado made the disk of. It runs in memory before anything of the disk does:
# finds the disk, tells the machine who it is (the volume that yado puts beside the disk), and hands over.
export PATH=/bin
umask 022

fail() {
    echo "yado: $*" >/dev/console
    sleep 1
    poweroff -f
}

# What the machine is told takes effect once; later changes of its files are the user's.
take_seed() {
    read -r new </seed/serial || return 0
    old=
    [ ! -r /root/var/lib/yado/serial ] || read -r old </root/var/lib/yado/serial
    [ "$new" != "$old" ] || return 0
    mkdir -p /root/var/lib/yado
    rm -f /root/etc/systemd/network/10-yado-*.network /root/etc/systemd/system/*/systemd-networkd.service \
        /root/etc/ssh/ssh_host_*_key /root/etc/ssh/ssh_host_*_key.pub
    tar -x -f /seed/files.tar -C /root || fail "the seed cannot be unpacked: is the disk full?"
    {
        sed '/^# yado: machines of this environment$/,/^# yado: end$/d' /root/etc/hosts
        cat /seed/hosts
    } >/root/etc/hosts.yado && mv /root/etc/hosts.yado /root/etc/hosts
    cp /seed/serial /root/var/lib/yado/serial
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
    done </seed/network
}

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do
    insmod "/modules/$module" || echo "yado: the module $module was not loaded" >/dev/console
done </modules/order

device=/dev/vda
program=/sbin/init
read -r words </proc/cmdline
for word in $words; do
    case $word in
    root=*) device=${word#root=} ;;
    init=*) program=${word#init=} ;;
    esac
done

tries=0
while [ ! -b "$device" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the disk $device did not appear"
    sleep 0.05
done
# Empty tables of a large disk are never read; writing them would only fill the machine's own part of it.
mount -t ext4 -o rw,noinit_itable "$device" /root || fail "the disk $device has no file system that can be used"

for disk in /sys/block/*; do
    disk=/dev/${disk##*/}
    [ "$disk" != "$device" ] || continue
    # The label of a volume stands in its first descriptor.
    label=$(dd if="$disk" bs=1 skip=32808 count=6 2>/dev/null)
    if [ "$label" = cidata ] && mount -t iso9660 -o ro "$disk" /seed; then
        take_seed
        set_network
        umount /seed
        break
    fi
done

mount --move /dev /root/dev
mount --move /proc /root/proc
mount --move /sys /root/sys
read -r size <"/root/sys/class/block/${device##*/}/size"
known=
[ ! -r /root/var/lib/yado/sectors ] || read -r known </root/var/lib/yado/sectors
if [ "$size" != "$known" ] && chroot /root /sbin/resize2fs "$device" >/root/dev/null 2>&1; then
    echo "$size" >/root/var/lib/yado/sectors
fi
exec switch_root /root "$program"
