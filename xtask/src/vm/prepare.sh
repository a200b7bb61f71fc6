# Run in the root of the guest with systemd: our package, an ordinary user, and nothing that a test does not need.
set -e
export DEBIAN_FRONTEND=noninteractive
getent passwd wanda > /dev/null || useradd --uid 4711 --create-home wanda
echo wanda:500000:65536 | tee /etc/subuid > /etc/subgid
dpkg --force-confnew --install /lockgate.deb > /dev/null
systemctl disable --quiet lockgated.service
systemctl enable --quiet lockgated.socket checks.service
systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    fstrim.timer getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service
printf '%s\n' overlay bridge veth dummy tun nf_tables nft_nat nft_masq nft_fib_inet nft_ct > /etc/modules-load.d/guest.conf
# An emulated processor is slow.
mkdir -p /etc/systemd/system.conf.d /etc/systemd/user.conf.d
printf '[Manager]\nDefaultTimeoutStartSec=600\n' | tee /etc/systemd/system.conf.d/guest.conf > /etc/systemd/user.conf.d/guest.conf
echo guest > /etc/hostname
depmod "$1"
