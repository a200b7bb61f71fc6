//! The default seccomp profile, asked from inside of a container.

use lockgate_testkit::{Daemon, Ended};

/// Calls `socket(2)` in three ways, and prints an error number or 0 for each family:
/// through the C library, with a bit that the kernel does not look at, and as a program of 32 bits does.
const ASK: &str = r#"
import ctypes, mmap, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.argtypes = [ctypes.c_long] * 4
def native(family):
    code = libc.syscall(41, family, 2, 0)
    return ctypes.get_errno() if code < 0 else 0
def old(family):
    code = b"\x53" + b"\xb8" + struct.pack("<I", 359) + b"\xbb" + struct.pack("<I", family)
    code += b"\xb9" + struct.pack("<I", 2) + b"\x31\xd2\xcd\x80\x5b\xc3"
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return max(0, -call())
for family in (1, 2, 38, 40):
    print(family, native(family), native(family | 1 << 32), old(family))
"#;

/// With the host's python, read-only.
fn ask(daemon: &Daemon, options: &[&str]) -> Ended {
    let python = [
        "-v",
        "/usr:/usr:ro",
        "-v",
        "/usr/lib:/lib:ro",
        "-v",
        "/usr/lib64:/lib64:ro",
        "busybox",
        "/usr/bin/python3",
        "-c",
        ASK,
    ];
    daemon.docker(&[&["run", "--rm"], options, &python].concat())
}

/// THREATS: CVE-2026-31431.
#[test]
fn a_container_reaches_neither_the_kernels_ciphers_nor_virtual_machines() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let lines = "1 0 0 0\n2 0 0 0\n38 1 1 1\n40 1 1 1";
    assert_eq!(ask(&daemon, &[]).ok(), lines);
    assert_eq!(ask(&daemon, &["--cap-add", "ALL"]).ok(), lines);
    // Whoever needs them says so; then it is the kernel that answers.
    let open = ask(&daemon, &["--security-opt", "seccomp=unconfined"]);
    let words = open
        .ok()
        .lines()
        .skip(2)
        .flat_map(|line| line.split(' ').skip(1));
    let numbers: Vec<&str> = words.collect();
    assert!(!numbers.contains(&"1") && numbers.len() == 6, "{open}");
}
