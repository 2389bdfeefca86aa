"""Filters that the kernel runs on what arrives for a socket: classic BPF, which needs no privilege of ours.

The instructions are those of linux/filter.h. A filter that answers 0 drops the packet as silently as a cut line
would: on a UDP socket each datagram, on a listening TCP socket the SYN (which some kernels allow root alone).
"""

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

__all__ = ["MOST_INSTRUCTIONS", "Instruction", "attach", "detach", "drop_program", "pass_program"]

# linux/filter.h, linux/bpf_common.h; offsets into the network header and the ancillary "random".
_LOAD_WORD: Final = 0x20
_LOAD_HEADER_LENGTH: Final = 0xB1
_LOAD_BYTE_AFTER_HEADER: Final = 0x50
_JUMP: Final = 0x05
_IF_EQUAL: Final = 0x15
_IF_AT_LEAST: Final = 0x35
_MODULO: Final = 0x94
_RETURN: Final = 0x06
_DESTINATION: Final = (-0x100000 + 16) & 0xFFFFFFFF
_RANDOM: Final = (-0x1000 + 56) & 0xFFFFFFFF
_PASS: Final = 0xFFFFFFFF
_ECHO_REQUEST: Final = 8

_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
_INSTRUCTION = struct.Struct("HBBI")
MOST_INSTRUCTIONS: Final = 4096

Instruction = tuple[int, int, int, int]


def drop_program(levels: Mapping[int, Iterable[str]]) -> list[Instruction]:
    """Write a filter that drops so many of a thousand packets to each destination, by level; 1000 is a cut."""
    places = [(level, address) for level in sorted(levels) for address in sorted(levels[level])]
    used = sorted({level for level, _ in places})
    start_of_tests = 1 + 2 * len(places) + 1
    program: list[Instruction] = [(_LOAD_WORD, 0, 0, _DESTINATION)]
    for level, address in places:
        program.append((_IF_EQUAL, 0, 1, int(ipaddress.IPv4Address(address))))
        test = start_of_tests + 5 * used.index(level)
        program.append((_JUMP, 0, 0, test - len(program) - 1))
    program.append((_RETURN, 0, 0, _PASS))
    for level in used:
        program += [
            (_LOAD_WORD, 0, 0, _RANDOM),
            (_MODULO, 0, 0, 1000),
            (_IF_AT_LEAST, 1, 0, level),
            (_RETURN, 0, 0, 0),
            (_RETURN, 0, 0, _PASS),
        ]
    return program


def pass_program(addresses: Iterable[str]) -> list[Instruction]:
    """Write a filter for a raw ICMP socket that lets through echo requests to ``addresses`` and nothing else.

    More addresses than a filter can hold are not told apart by it: their reader passes over what it does not serve.
    """
    places = sorted(addresses)
    program: list[Instruction] = [
        (_LOAD_HEADER_LENGTH, 0, 0, 0),
        (_LOAD_BYTE_AFTER_HEADER, 0, 0, 0),
        (_IF_EQUAL, 1, 0, _ECHO_REQUEST),
        (_RETURN, 0, 0, 0),
        (_LOAD_WORD, 0, 0, 16),
    ]
    if 2 * len(places) + len(program) >= MOST_INSTRUCTIONS:
        return [*program, (_RETURN, 0, 0, _PASS)]
    for address in places:
        program += [(_IF_EQUAL, 0, 1, int(ipaddress.IPv4Address(address))), (_RETURN, 0, 0, _PASS)]
    return [*program, (_RETURN, 0, 0, 0)]


def attach(served: socket.socket, program: Sequence[Instruction]) -> None:
    """Let the kernel run ``program`` on whatever arrives for a socket; 0 drops. Replaces the one before."""
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*step) for step in program))
    described = struct.pack("@HP", len(program), ctypes.addressof(code))
    served.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def detach(served: socket.socket) -> None:
    """Let everything through again."""
    try:
        served.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
    except FileNotFoundError:
        return  # there was none
