#!/run/yado/bin/sh
# Runs in a machine whose state is kept when it has booted, to be gone on with by many: says that it has, and waits, still
# nobody, until it is told over the second serial port that it is a machine of its own now. It then becomes that machine
# before anyone can enter it.
export PATH=/run/yado/bin
root=
seed=/run/yado/seed
read -r device </run/yado/device
. /run/yado/identity.sh

exec 3<>/dev/ttyS1
stty -F /dev/ttyS1 raw -echo

# Whatever happens, the waiting end is told.
fail() {
    echo "failed $*" >&3
    exit 1
}

# What the machine will need at once is in its memory already.
/usr/sbin/sshd -t -h /nowhere 2>/dev/null
/usr/bin/sudo -V >/dev/null 2>&1
/usr/bin/perl -e 1 || fail "there is no perl"
# Everything that starts by itself has, when nothing is left to do but what waits for this.
while /bin/systemctl list-jobs --no-legend | grep -v yado-identity | grep -q running; do
    sleep 0.3
done
sync
echo ready >&3
read -r word seconds entropy <&3
[ "$word" = go ] || fail "an unknown word: $word"

/bin/date -u -s "@$seconds" >/dev/null || fail "the clock cannot be set"
# Random numbers: all machines that go on from here have the generator's state in common, until the host's own entropy is
# mixed into it and it begins anew (RNDRESEEDCRNG).
printf '%s' "$entropy" >/dev/urandom || fail "entropy is not taken"
/usr/bin/perl -e 'open my $r, "+<", "/dev/urandom" or exit 1; ioctl($r, 0x5207, 0) or exit 1' ||
    fail "the generator of random numbers does not begin anew"
dd if=/dev/urandom of=/var/lib/systemd/random-seed bs=32 count=1 conv=notrunc 2>/dev/null
# The boot's number is the kernel's and cannot be changed, but another can be shown.
cp /proc/sys/kernel/random/uuid /run/yado/boot_id
mount -o bind /run/yado/boot_id /proc/sys/kernel/random/boot_id || fail "the boot keeps its number"

cp /etc/machine-id /run/yado/old-machine-id
find_seed || fail "there is no seed"
take_seed
hostname "$(cat /etc/hostname)" || fail "the host name cannot be set"
# The cards have the addresses of the machine that booted, in their order.
number=0
last=
while read -r mac kind value; do
    [ "$mac" != "$last" ] || continue
    last=$mac
    ip link set "eth$number" address "$mac" || fail "the card eth$number keeps its address"
    number=$((number + 1))
done <"$seed/network"
set_network
umount "$seed"
echo done >&3
