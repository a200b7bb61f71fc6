#!/bin/busybox sh
# The first process of the guest of `cargo xtask vm`: runs the tests and switches the machine off.
/bin/busybox --install -s /bin
export PATH=/bin
if [ ! -e /moved ]; then
    # The root that the kernel unpacks cannot be pivoted away from: go on from a copy.
    mkdir -p /new
    mount -t tmpfs -o size=80% tmpfs /new
    # All of it, for the binaries are where they are on the host: in any folder.
    for part in /*; do
        case $part in
        /new | /dev | /proc | /sys) ;;
        *) cp -a "$part" /new/ ;;
        esac
    done
    mkdir -p /new/dev /new/proc /new/sys /new/tmp /new/etc /new/run /new/root
    touch /new/moved
    exec switch_root /new /init
fi
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mount -t securityfs securityfs /sys/kernel/security
for module in $(cat /modules/order); do
    insmod /modules/$module || echo "cannot load $module"
done
ip link set lo up
echo root:x:0:0::/root:/bin/sh > /etc/passwd
echo root:x:0: > /etc/group
# Tests make cgroups below the root, which has no processes of its own then.
mkdir /sys/fs/cgroup/init
for pid in $(cat /sys/fs/cgroup/cgroup.procs); do
    echo "$pid" > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null
done
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
done
echo "guest: Linux $(uname -r), controllers $(cat /sys/fs/cgroup/cgroup.subtree_control)"
echo "guest: LSM $(cat /sys/kernel/security/lsm)"
failed=0
for suite in /tests/*.sh; do
    echo "guest: suite $suite"
    sh "$suite" || failed=1
done
echo "guest: end $failed"
poweroff -f
