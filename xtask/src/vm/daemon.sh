# A daemon and its client on cgroup v2: limits, statistics, pause, the end by want of memory, and a life
# beyond the daemon's. Each line that begins with "test" is one test.
export DOCKER_HOST=unix:///run/lockgate.sock HOME=/root
passed=0
failed=0

check() {
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "test $name ... ok"
    else
        failed=$((failed + 1))
        echo "test $name ... FAILED"
    fi
}

start() {
    "$BIN/lockgated" --data-root /var/data --exec-root /run/lockgate --pidfile /run/lockgated.pid \
        --bridge none -H "$DOCKER_HOST" > /run/log 2>&1 &
    daemon=$!
    for _ in $(seq 300); do
        "$BIN/lockgate" version > /dev/null 2>&1 && return 0
        sleep 0.2
    done
    cat /run/log
    return 1
}

lockgate() {
    "$BIN/lockgate" "$@"
}

group() {
    cat "/sys/fs/cgroup/lockgate/$(lockgate inspect --format '{{.Id}}' box)/$1"
}

limits_reach_the_kernel() {
    [ "$(group memory.max)" = 67108864 ] && [ "$(group pids.max)" = 50 ] &&
        [ "$(group cpu.max)" = "50000 100000" ] && [ "$(group cpuset.cpus)" = 0 ]
}

statistics_are_counted() {
    lockgate stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' box | grep -q ' / 64MiB 1$'
}

pause_freezes() {
    lockgate pause box > /dev/null && group cgroup.events | grep -q 'frozen 1' &&
        lockgate unpause box > /dev/null && group cgroup.events | grep -q 'frozen 0'
}

an_update_reaches_the_kernel() {
    lockgate update --memory 32m --memory-swap 32m box > /dev/null && [ "$(group memory.max)" = 33554432 ]
}

want_of_memory_is_told() {
    lockgate run --name oom --network none -m 16m --memory-swap 16m box sh -c 'x=a; while :; do x=$x$x; done'
    [ $? = 137 ] && [ "$(lockgate inspect --format '{{.State.OOMKilled}}' oom)" = true ]
}

devices_are_guarded() {
    lockgate exec --privileged box sh -c 'mknod /d b 1 0 && ! head -c 1 /d' 2>&1 | grep -qi permitted
}

it_outlives_the_daemon() {
    kill -9 $daemon && wait $daemon 2> /dev/null
    start && [ "$(lockgate exec box echo here)" = here ]
}

its_cgroup_goes_with_it() {
    id=$(lockgate inspect --format '{{.Id}}' box)
    lockgate rm -f box > /dev/null && [ ! -e "/sys/fs/cgroup/lockgate/$id" ]
}

mkdir -p /image/bin /var
cp /bin/busybox /image/bin/busybox
for name in sh sleep echo mknod head; do ln -s busybox /image/bin/$name; done
check the_daemon_starts start
check an_image_is_imported sh -c "tar -c -C /image . | $BIN/lockgate import - box > /dev/null"
check a_container_starts lockgate run -d --name box --network none -m 64m --cpus 0.5 --pids-limit 50 \
    --cpuset-cpus 0 box sleep 1000
for name in limits_reach_the_kernel statistics_are_counted pause_freezes an_update_reaches_the_kernel \
    want_of_memory_is_told devices_are_guarded it_outlives_the_daemon its_cgroup_goes_with_it; do
    check $name $name
done
[ $failed = 0 ] && result=ok || { result=FAILED; tail -20 /run/log; }
kill $daemon
echo "test result: $result. $passed passed; $failed failed; 0 ignored"
[ $failed = 0 ]
