#!/bin/busybox sh
# The ramdisk of the guest with systemd: finds the disk and goes on from there.
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in $(/bin/busybox cat /modules/order); do
    /bin/busybox insmod /modules/$module
done
tries=0
while [ ! -e /dev/vda ] && [ $tries -lt 300 ]; do
    /bin/busybox sleep 0.1
    tries=$((tries + 1))
done
/bin/busybox mount -t ext4 -o noatime /dev/vda /new
/bin/busybox mount -o move /dev /new/dev
exec /bin/busybox switch_root /new /lib/systemd/systemd
