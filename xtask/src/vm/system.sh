#!/bin/bash
# A host with systemd and cgroup v2: units, socket activation, journald, limits, a user's own daemon.
export DOCKER_HOST=unix:///run/lockgate/lockgate.sock HOME=/root
passed=0; failed=0
exec > /dev/ttyS0 2>&1
check() {
    name=$1; shift
    if "$@" > /run/check.log 2>&1; then passed=$((passed + 1)); echo "test $name ... ok"
    else failed=$((failed + 1)); echo "test $name ... FAILED"; tail -8 /run/check.log; fi
}
group() { cat "/sys/fs/cgroup/lockgate/$(lockgate inspect --format '{{.Id}}' box)/$1"; }
main_pid() { systemctl show --value -p MainPID lockgated.service; }
the_socket_waits_alone() { systemctl is-active lockgated.socket && ! systemctl is-active lockgated.service; }
a_client_starts_the_daemon() { lockgate version && systemctl is-active lockgated.service && [ "$(systemctl show --value -p NotifyAccess lockgated)" = main ]; }
an_image_is_imported() { tar -c -C /image . | lockgate import - box; }
info_tells_of_v2() { lockgate info --format '{{.CgroupVersion}} {{.CgroupDriver}} {{.SecurityOptions}}' | tee /dev/stderr | grep -q '^2 cgroupfs .*name=cgroupns'; }
a_container_starts() { lockgate run -d --name box -m 64m --cpus 0.5 --pids-limit 50 --cpuset-cpus 0 -p 8080:80 box sleep 100000; }
limits_reach_the_kernel() { group memory.max; group pids.max; group cpu.max; group cpuset.cpus
    [ "$(group memory.max)" = 67108864 ] && [ "$(group pids.max)" = 50 ] && [ "$(group cpu.max)" = "50000 100000" ] && [ "$(group cpuset.cpus)" = 0 ]; }
statistics_are_of_v2() { lockgate stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' box | tee /dev/stderr | grep -q ' / 64MiB 1$' &&
    curl -s --unix-socket /run/lockgate/lockgate.sock "http://x/containers/box/stats?stream=false&one-shot=true" | tee /run/stats.json | grep -q '"inactive_file"' && ! grep -q '"total_inactive_file"\|"failcnt"' /run/stats.json; }
pause_freezes() { lockgate pause box && group cgroup.events | grep -q 'frozen 1' && lockgate unpause box && group cgroup.events | grep -q 'frozen 0'; }
an_update_reaches_the_kernel() { lockgate update --memory 32m --memory-swap 32m box && [ "$(group memory.max)" = 33554432 ]; }
want_of_memory_is_told() { since=$(date +%s); lockgate run --name oom --network none -m 16m --memory-swap 16m box sh -c 'x=a; while :; do x=$x$x; done'
    [ $? = 137 ] && [ "$(lockgate inspect --format '{{.State.OOMKilled}}' oom)" = true ] &&
    lockgate events --since $since --until $(($(date +%s) + 1)) --filter event=oom | tee /dev/stderr | grep -q oom; }
devices_are_guarded() { lockgate exec --privileged box sh -c 'mknod /d b 254 0 && ! head -c 1 /d' 2>&1 | tee /dev/stderr | grep -qi permitted; }
journald_gets_the_lines() { lockgate run --rm --name jay --network none --log-driver journald --log-opt tag=checked box echo into-the-journal
    for i in $(seq 20); do journalctl --sync; journalctl -o json CONTAINER_NAME=jay | tee /dev/stderr | grep -q '"MESSAGE":"into-the-journal"' && break; sleep 0.5; done
    journalctl -o json CONTAINER_NAME=jay | grep '"CONTAINER_TAG":"checked"' | grep -q '"CONTAINER_ID_FULL"'; }
it_outlives_the_daemon() { old=$(main_pid); kill -9 $old
    for i in $(seq 120); do [ "$(main_pid)" != $old ] && systemctl is-active lockgated && break; sleep 0.5; done; [ "$(lockgate exec box echo here)" = here ]; }
a_daemon_that_hangs_is_replaced() { mkdir -p /run/systemd/system/lockgated.service.d; printf '[Service]\nWatchdogSec=15\n' > /run/systemd/system/lockgated.service.d/w.conf
    systemctl daemon-reload; systemctl restart lockgated; old=$(main_pid); sleep 20; [ "$(main_pid)" = $old ] || return 1; kill -STOP $old
    for i in $(seq 120); do n=$(main_pid); [ "$n" != $old ] && [ "$n" != 0 ] && systemctl is-active lockgated && break; sleep 0.5; done; [ "$(main_pid)" != $old ] && [ "$(lockgate exec box echo here)" = here ]; }
a_reload_is_one() { systemctl reload lockgated && journalctl -u lockgated | grep -q reloading; }
stopping_leaves_containers() { pid=$(lockgate inspect --format '{{.State.Pid}}' box); systemctl stop lockgated.service lockgated.socket && kill -0 $pid && systemctl start lockgated.socket && [ "$(lockgate exec box echo here)" = here ]; }
its_cgroup_goes_with_it() { id=$(lockgate inspect --format '{{.Id}}' box); lockgate rm -f box && [ ! -e "/sys/fs/cgroup/lockgate/$id" ]; }
confined() { lockgate run --rm --network none "$@" box cat /proc/self/attr/current; }
apparmor_confines() { [ "$(confined)" = "lockgate-default (enforce)" ] && [ "$(lockgate exec box cat /proc/self/attr/current)" = "lockgate-default (enforce)" ] &&
    [ "$(confined --security-opt apparmor=unconfined)" = unconfined ] && [ "$(confined --privileged)" = unconfined ] &&
    [ "$(lockgate inspect --format '{{.AppArmorProfile}}' box)" = lockgate-default ] && lockgate info --format '{{.SecurityOptions}}' | grep -q name=apparmor; }
an_unknown_profile_is_refused() { ! confined --security-opt apparmor=nobody-loaded-this 2> /run/refused && cat /run/refused && grep -qi 'apparmor' /run/refused; }
# The user's own daemon
U() { systemd-run --quiet --wait --pipe --collect --user --machine=wanda@ --setenv=DOCKER_HOST=unix:///run/user/4711/docker.sock --setenv=HOME=/home/wanda "$@"; }
ugroup() { cat /sys/fs/cgroup/user.slice/user-4711.slice/user@4711.service/*/*/containers/*/$1 2>/dev/null || cat /sys/fs/cgroup/user.slice/user-4711.slice/user@4711.service/*/*/*/containers/*/$1; }
a_user_starts_a_daemon() { loginctl enable-linger wanda; for i in $(seq 60); do [ -S /run/user/4711/bus ] && break; sleep 0.5; done
    systemctl --user --machine=wanda@ start lockgated-rootless || { journalctl --no-pager -n 20; cat /run/user/4711/lockgate/rootless.log; return 1; }; }
a_users_containers_are_limited() { (tar -c -C /image . | U /usr/bin/lockgate import - box) && U /usr/bin/lockgate run -d --name box -m 48m --pids-limit 40 --cpus 0.5 box sleep 100000 &&
    find /sys/fs/cgroup/user.slice -name containers; ugroup memory.max; ugroup pids.max; [ "$(ugroup memory.max)" = 50331648 ] && [ "$(ugroup pids.max)" = 40 ] && [ "$(ugroup cpu.max)" = "50000 100000" ]; }
a_users_container_is_paused() { U /usr/bin/lockgate pause box && ugroup cgroup.events | grep -q 'frozen 1' && U /usr/bin/lockgate unpause box; }
a_users_info_tells_what_is_delegated() { U /usr/bin/lockgate info --format '{{.CgroupDriver}} {{.SecurityOptions}} {{.Warnings}}' > /run/uinfo; cat /run/uinfo
    grep -q '^cgroupfs .*name=rootless' /run/uinfo && ! grep -q 'memory\|cpu cfs\|cpu shares\|without cgroups' /run/uinfo; }
a_users_daemon_is_restarted() { old=$(systemctl --user --machine=wanda@ show --value -p MainPID lockgated-rootless); kill -9 $old
    for i in $(seq 60); do n=$(systemctl --user --machine=wanda@ show --value -p MainPID lockgated-rootless); [ "$n" != $old ] && [ "$n" != 0 ] && U /usr/bin/lockgate version && break; sleep 0.5; done
    [ "$(U /usr/bin/lockgate exec box echo here)" = here ] || { journalctl --no-pager -n 15; return 1; }; }
echo "guest: systemd $(systemctl --version | head -1), Linux $(uname -r), LSM $(cat /sys/kernel/security/lsm), controllers $(cat /sys/fs/cgroup/cgroup.controllers)"
# A way out that leads nowhere: pasta wants an interface with a default route.
ip link add out type dummy && ip address add 192.0.2.2/24 dev out && ip link set out up && ip route add default via 192.0.2.1
mkdir -p /image/bin /image/etc; cp /bin/busybox /image/bin/; for n in sh sleep echo mknod head cat true; do ln -sf busybox /image/bin/$n; done
for name in the_socket_waits_alone a_client_starts_the_daemon an_image_is_imported info_tells_of_v2 a_container_starts limits_reach_the_kernel statistics_are_of_v2 pause_freezes \
    an_update_reaches_the_kernel want_of_memory_is_told devices_are_guarded apparmor_confines an_unknown_profile_is_refused journald_gets_the_lines it_outlives_the_daemon a_daemon_that_hangs_is_replaced a_reload_is_one \
    stopping_leaves_containers its_cgroup_goes_with_it a_user_starts_a_daemon a_users_info_tells_what_is_delegated a_users_containers_are_limited a_users_container_is_paused a_users_daemon_is_restarted; do
    # What the others stand on is always there.
    case $name in an_image_is_imported | a_container_starts) check $name $name ;; *) [[ ! $name =~ $(cat /only) ]] || check $name $name ;; esac; done
[ $failed = 0 ] && result=ok || { result=FAILED; journalctl -u lockgated --no-pager -n 25; }
echo "test result: $result. $passed passed; $failed failed; 0 ignored"
echo "guest: end $failed"
systemctl poweroff --force --force
