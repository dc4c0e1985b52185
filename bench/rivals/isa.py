# SPDX-License-Identifier: Apache-2.0
"""Keeps a process from the instructions that the comparison leaves out.

oneDNN (inside OpenVINO) reads ONEDNN_MAX_CPU_ISA. ONNX Runtime has no such
switch, but like every program on Linux it must ask the kernel before it may
touch AMX tiles; a seccomp filter refuses, and it falls back to VNNI.
"""

from __future__ import annotations

import ctypes
import os
import struct

LIMITS = ("default", "avx512_vnni")

_SYS_ARCH_PRCTL = 158  # x86-64
_ARCH_GET_XCOMP_PERM = 0x1022
_ARCH_REQ_XCOMP_PERM = 0x1023
_XFEATURE_XTILEDATA = 18
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_AUDIT_ARCH_X86_64 = 0xC000003E
_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS, of struct seccomp_data
_JUMP_IF_EQUAL = 0x15
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050001  # SECCOMP_RET_ERRNO | EPERM


def refuse_amx_program() -> bytes:
    """The filter: arch_prctl(ARCH_REQ_XCOMP_PERM, ...) is not permitted."""
    steps = [
        (_LOAD_WORD, 0, 0, 4),  # arch
        (_JUMP_IF_EQUAL, 0, 5, _AUDIT_ARCH_X86_64),
        (_LOAD_WORD, 0, 0, 0),  # number of the call
        (_JUMP_IF_EQUAL, 0, 3, _SYS_ARCH_PRCTL),
        (_LOAD_WORD, 0, 0, 16),  # first argument, low half
        (_JUMP_IF_EQUAL, 0, 1, _ARCH_REQ_XCOMP_PERM),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _refuse_amx() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    code = refuse_amx_program()
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    mode, at = _SECCOMP_MODE_FILTER, ctypes.byref(program)
    if libc.prctl(_PR_SET_SECCOMP, mode, at, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


def limit(max_isa: str) -> None:
    """Limits this process for good; call before an engine is imported."""
    if max_isa == "avx512_vnni":
        os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE_VNNI"
        _refuse_amx()


def precision(asked: str, max_isa: str) -> str:
    """What to ask of OpenVINO for the part of a model that stays float.

    Limited, it would still choose the bfloat16 of the real CPU, and emulate it
    slowly; on a CPU with that limit it chooses float32.
    """
    return "f32" if (asked, max_isa) == ("default", "avx512_vnni") else asked


def amx_granted() -> bool:
    """True once something in this process asked for AMX tiles and got them."""
    libc = ctypes.CDLL(None, use_errno=True)
    mask = ctypes.c_uint64(0)
    number, get = ctypes.c_long(_SYS_ARCH_PRCTL), ctypes.c_long(_ARCH_GET_XCOMP_PERM)
    if libc.syscall(number, get, ctypes.byref(mask)) != 0:
        return False
    return bool(mask.value >> _XFEATURE_XTILEDATA & 1)
