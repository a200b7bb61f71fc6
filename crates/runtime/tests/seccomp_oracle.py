"""Compiles a seccomp profile with libseccomp, the library that runc uses.

Reads linux.seccomp of an OCI specification as JSON from standard input. Writes one line of JSON, the
names of system calls that this libseccomp does not know, and then the filter: struct sock_filter.
"""
import ctypes
import json
import os
import sys

lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
lib.seccomp_init.restype = ctypes.c_void_p


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


OPERATORS = ["", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
             "SCMP_CMP_MASKED_EQ"]
ARCHITECTURES = {"SCMP_ARCH_X86": 0x40000003, "SCMP_ARCH_X86_64": 0xC000003E, "SCMP_ARCH_X32": 0x4000003E}
UNKNOWN = -1


def action(name, errno):
    return {"SCMP_ACT_ALLOW": 0x7FFF0000, "SCMP_ACT_ERRNO": 0x00050000 | (1 if errno is None else errno),
            "SCMP_ACT_KILL": 0}[name]


def check(code, what):
    if code != 0:
        sys.exit(f"{what}: {os.strerror(-code)}")


def main():
    profile = json.load(sys.stdin)
    context = ctypes.c_void_p(lib.seccomp_init(action(profile["defaultAction"], profile.get("defaultErrnoRet"))))
    for name in profile["architectures"]:
        code = lib.seccomp_arch_add(context, ARCHITECTURES[name])
        if code != -17:  # it is there already: the machine's own
            check(code, name)
    unknown = []
    for rule in profile["syscalls"]:
        args = [Compare(a["index"], OPERATORS.index(a["op"]), a["value"], a.get("valueTwo") or 0)
                for a in rule.get("args") or []]
        array = (Compare * len(args))(*args)
        for name in rule["names"]:
            number = lib.seccomp_syscall_resolve_name(name.encode())
            if number == UNKNOWN:
                unknown.append(name)
                continue
            check(lib.seccomp_rule_add_array(context, action(rule["action"], rule.get("errnoRet")), number,
                                             len(args), array), name)
    print(json.dumps(unknown), flush=True)
    check(lib.seccomp_export_bpf(context, 1), "export")


main()
