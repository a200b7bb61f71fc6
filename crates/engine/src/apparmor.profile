abi <abi/3.0>,

profile lockgate-default flags=(attach_disconnected, mediate_deleted) {
  capability,
  file,
  network,
  umount,
  unix,

  # The engine ends containers; processes of one profile may see each other, namespaces part them.
  signal (receive) peer=unconfined,
  signal (send, receive) peer=lockgate-default,
  ptrace (trace, read, tracedby, readby) peer=lockgate-default,

  deny mount,

  # Settings of the kernel, but for those that belong to the container's own namespaces.
  deny /proc/*-trigger rwklx,
  deny /proc/kcore rwklx,
  deny /proc/kmem rwklx,
  deny /proc/mem rwklx,
  deny /proc/sys/fs/** wklx,
  deny /proc/sys/vm/** wklx,
  deny /proc/sys/dev/** wklx,
  deny /proc/sys/debug/** wklx,
  deny /proc/sys/kernel/[^msh]* wklx,
  deny /proc/sys/kernel/modprobe wklx,
  deny /proc/sys/kernel/hotplug wklx,
  deny /proc/sys/kernel/sysrq wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/kernel/** wklx,
  deny /sys/module/** wklx,
  deny /sys/power/** wklx,
  deny /sys/fs/[^c]** wklx,
}
