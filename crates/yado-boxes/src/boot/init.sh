#!/bin/busybox sh
# The first program of a virtual machine that yado made the disk of. It runs in memory before anything of the disk does:
# finds the disk, tells the machine who it is (the volume that yado puts beside the disk), and hands over.
export PATH=/bin
umask 022
root=/root
seed=/seed
. /identity.sh

fail() {
    echo "yado: $*" >/dev/console
    sleep 1
    poweroff -f
}

# A machine whose state after the boot is to be kept stops before anyone can enter it. What it needs for that lies in
# memory, so that nothing of it is left when the machine boots for itself.
prepare_keeping() {
    mount -t tmpfs -o mode=755,nosuid,nodev run /root/run
    mkdir -p /root/run/yado/seed /root/run/systemd/system/multi-user.target.wants
    cp -a /bin /identity.sh /wait.sh /journal.sh /root/run/yado/
    echo "$device" >/root/run/yado/device
    units=/root/run/systemd/system
    for unit in identity journal; do
        cp "/yado-$unit.service" "$units/"
        ln -s "../yado-$unit.service" "$units/multi-user.target.wants/"
    done
}

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do
    insmod "/modules/$module" || echo "yado: the module $module was not loaded" >/dev/console
done </modules/order

keep=
device=/dev/vda
program=/sbin/init
read -r words </proc/cmdline
for word in $words; do
    case $word in
    root=*) device=${word#root=} ;;
    init=*) program=${word#init=} ;;
    yado.keep) keep=yes ;;
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

if find_seed; then
    take_seed
    set_network
    umount /seed
fi
[ -z "$keep" ] || prepare_keeping

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
