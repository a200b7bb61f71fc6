#!/bin/bash
# A host with systemd and Debian's dockerd, before and after the page about the guard was done. Each check is one test.
export HOME=/root
unset DOCKER_HOST
passed=0; failed=0
exec > /dev/ttyS0 2>&1
check() {
    if "$1" > /run/check.log 2>&1; then passed=$((passed + 1)); echo "test $1 ... ok"
    else failed=$((failed + 1)); echo "test $1 ... FAILED"; tail -15 /run/check.log; fi
}
eventually() { for i in $(seq 240); do "$@" && return; sleep 0.5; done; return 1; }
as_wanda() { runuser -u wanda -- "$@"; }
ask() { curl --silent --show-error --max-time 120 --unix-socket "$1" "http://docker$2"; }
door() { docker -H unix:///run/docker.sock "$@"; }
by_tls() { DOCKER_CERT_PATH=/etc/lockgate/pki/client-alice docker -H tcp://guest:2376 --tlsverify "$@"; }
pid_of() { systemctl show --value -p MainPID "$1"; }
status() { curl --silent --max-time 120 --output /dev/null --write-out '%{http_code}' --unix-socket /run/docker.sock http://docker/containers/json; }

the_stock_daemon_is_open_to_its_group() { [ "$(id -nG wanda)" = "wanda docker" ] && as_wanda docker version && [ "$(stat -c %G:%a /run/docker.sock)" = docker:660 ]; }
the_page_is_done() { cp -a /page/root/. / && cat /page/commands.sh && bash -e /page/commands.sh; }
all_units_are_active() { systemctl --no-pager status docker.socket docker.service lockgated.socket lockgated.service
    systemctl is-active docker.socket docker.service lockgated.socket lockgated.service && ! systemctl --failed --no-legend --plain | tee /dev/stderr | grep -q 'docker\|lockgate'; }
the_daemons_socket_is_roots_alone() { stat -c '%n %U:%G %a' /run/dockerd /run/dockerd/docker.sock /run/docker.sock
    [ "$(stat -c %U:%G:%a /run/dockerd)" = root:root:700 ] && [ "$(stat -c %U:%G:%a /run/dockerd/docker.sock)" = root:root:600 ] && [ "$(stat -c %U:%G:%a /run/docker.sock)" = root:root:660 ]; }
nobody_else_reaches_either() { for socket in /run/docker.sock /var/run/docker.sock /run/dockerd/docker.sock; do as_wanda curl --silent --unix-socket $socket http://docker/_ping; [ $? = 7 ] || return 1; done
    ! as_wanda docker version --format '{{.Server.Version}}'; }
dockerd_listens_nowhere_else() { ss -Hlxp | grep dockerd; ss -Hltp | grep dockerd && return 1; ! ss -Hlxp | grep 'LISTEN.*"dockerd"' | grep -v '/run/dockerd/docker.sock\|/run/docker/' && [ "$(stat -c %a /run/docker)" = 700 ]; }
the_door_answers_at_the_old_address() { ask /run/docker.sock /_ping && ask /run/docker.sock /info | grep -q '"ServerVersion":"20.10' && door version --format '{{.Server.Version}}' | grep '^20.10' &&
    grep -q SystemInfo /var/lib/lockgate/audit.log; }
a_container_runs_through_the_door() { tar -c -C /image . | door import - box && [ "$(echo in | door run -i --rm --network none box cat)" = in ] && door run -d --name long --restart unless-stopped box sleep 100000 && [ "$(door exec long echo here)" = here ]; }
the_door_asks_for_certificates() { by_tls ps --format '{{.Names}}' | grep -x long && [ "$(echo in | by_tls exec -i long cat)" = in ] && ! curl --silent --show-error --insecure https://guest:2376/_ping && ! docker -H tcp://guest:2376 ps; }
the_daemon_is_restarted_alone() { old=$(pid_of lockgated) && systemctl restart docker.service && [ "$(pid_of lockgated)" = "$old" ] && [ "$(status)" = 200 ] && eventually door exec long true && systemctl is-active docker lockgated; }
the_door_is_restarted_alone() { old=$(pid_of docker) && container=$(door inspect --format '{{.State.Pid}}' long) && systemctl restart lockgated.service && [ "$(pid_of docker)" = "$old" ] && kill -0 "$container" && [ "$(by_tls exec long echo here)" = here ]; }
a_door_that_is_killed_comes_back() { old=$(pid_of lockgated); kill -9 "$old"; eventually new_door "$old" && [ "$(door exec long echo here)" = here ]; }
new_door() { systemctl is-active --quiet lockgated && [ "$(pid_of lockgated)" != "$1" ]; }
a_daemon_that_is_away_is_a_502_and_is_found_again() { systemctl stop docker.socket docker.service; [ "$(status)" = 502 ] && ask /run/docker.sock /info | grep 'cannot be reached' && nobody_else_reaches_either &&
    systemctl start docker.socket && ask /run/docker.sock /info | grep -q '"ServerVersion":"20.10' && systemctl is-active docker.service && the_daemons_socket_is_roots_alone; }
a_reload_is_one() { systemctl reload lockgated && [ "$(status)" = 200 ]; }

echo "guest: systemd $(systemctl --version | head -1), Linux $(uname -r), $(dockerd --version)"
echo 127.0.0.1 localhost guest > /etc/hosts
ip link add out type dummy && ip address add 192.0.2.2/24 dev out && ip link set out up && ip route add default via 192.0.2.1
usermod -aG docker wanda
mkdir -p /image/bin; cp /bin/busybox /image/bin/; for n in sh sleep echo cat true; do ln -sf busybox /image/bin/$n; done
eventually systemctl is-active docker.service
for name in the_stock_daemon_is_open_to_its_group the_page_is_done all_units_are_active the_daemons_socket_is_roots_alone nobody_else_reaches_either dockerd_listens_nowhere_else \
    the_door_answers_at_the_old_address a_container_runs_through_the_door the_door_asks_for_certificates the_daemon_is_restarted_alone the_door_is_restarted_alone \
    a_door_that_is_killed_comes_back a_daemon_that_is_away_is_a_502_and_is_found_again a_reload_is_one all_units_are_active; do check $name; done
[ $failed = 0 ] && result=ok || { result=FAILED; journalctl -u lockgated -u docker --no-pager -n 40; }
echo "test result: $result. $passed passed; $failed failed; 0 ignored"
echo "guest: end $failed"
systemctl poweroff --force --force
