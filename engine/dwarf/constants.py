"""Numbers of the DWARF 4 and 5 standards that the readers use."""

from __future__ import annotations

import enum

__all__ = ["AT", "FORM", "TAG"]


class TAG(enum.IntEnum):
    """DW_TAG_*: what a DIE describes."""

    ARRAY = 0x01
    CLASS = 0x02
    ENUMERATION = 0x04
    FORMAL_PARAMETER = 0x05
    LEXICAL_BLOCK = 0x0B
    MEMBER = 0x0D
    POINTER = 0x0F
    REFERENCE = 0x10
    COMPILE_UNIT = 0x11
    STRUCTURE = 0x13
    SUBROUTINE_TYPE = 0x15
    TYPEDEF = 0x16
    UNION = 0x17
    VARIANT = 0x19
    INLINED_SUBROUTINE = 0x1D
    SUBRANGE = 0x21
    BASE = 0x24
    CONST = 0x26
    ENUMERATOR = 0x28
    SUBPROGRAM = 0x2E
    TEMPLATE_TYPE = 0x2F
    VARIANT_PART = 0x33
    VARIABLE = 0x34
    VOLATILE = 0x35
    RESTRICT = 0x37
    NAMESPACE = 0x39
    ATOMIC = 0x47
    SKELETON_UNIT = 0x4A


class AT(enum.IntEnum):
    """DW_AT_*: an attribute of a DIE."""

    LOCATION = 0x02
    NAME = 0x03
    BYTE_SIZE = 0x0B
    STMT_LIST = 0x10
    LOW_PC = 0x11
    HIGH_PC = 0x12
    LANGUAGE = 0x13
    DISCR = 0x15
    DISCR_VALUE = 0x16
    COMP_DIR = 0x1B
    CONST_VALUE = 0x1C
    INLINE = 0x20
    PRODUCER = 0x25
    UPPER_BOUND = 0x2F
    ABSTRACT_ORIGIN = 0x31
    ARTIFICIAL = 0x34
    COUNT = 0x37
    DATA_MEMBER_LOCATION = 0x38
    DECL_COLUMN = 0x39
    DECL_FILE = 0x3A
    DECL_LINE = 0x3B
    DECLARATION = 0x3C
    ENCODING = 0x3E
    FRAME_BASE = 0x40
    SPECIFICATION = 0x47
    TYPE = 0x49
    RANGES = 0x55
    CALL_COLUMN = 0x57
    CALL_FILE = 0x58
    CALL_LINE = 0x59
    CONTAINING_TYPE = 0x1D
    LINKAGE_NAME = 0x6E
    STR_OFFSETS_BASE = 0x72
    ADDR_BASE = 0x73
    RNGLISTS_BASE = 0x74
    DWO_NAME = 0x76
    ALIGNMENT = 0x88
    LOCLISTS_BASE = 0x8C
    GNU_DWO_NAME = 0x2130


class FORM(enum.IntEnum):
    """DW_FORM_*: how an attribute's value is stored."""

    ADDR = 0x01
    BLOCK2 = 0x03
    BLOCK4 = 0x04
    DATA2 = 0x05
    DATA4 = 0x06
    DATA8 = 0x07
    STRING = 0x08
    BLOCK = 0x09
    BLOCK1 = 0x0A
    DATA1 = 0x0B
    FLAG = 0x0C
    SDATA = 0x0D
    STRP = 0x0E
    UDATA = 0x0F
    REF_ADDR = 0x10
    REF1 = 0x11
    REF2 = 0x12
    REF4 = 0x13
    REF8 = 0x14
    REF_UDATA = 0x15
    SEC_OFFSET = 0x17
    EXPRLOC = 0x18
    FLAG_PRESENT = 0x19
    STRX = 0x1A
    ADDRX = 0x1B
    REF_SUP4 = 0x1C
    STRP_SUP = 0x1D
    DATA16 = 0x1E
    LINE_STRP = 0x1F
    REF_SIG8 = 0x20
    IMPLICIT_CONST = 0x21
    LOCLISTX = 0x22
    RNGLISTX = 0x23
    STRX1 = 0x25
    STRX2 = 0x26
    STRX3 = 0x27
    STRX4 = 0x28
    ADDRX1 = 0x29
    ADDRX2 = 0x2A
    ADDRX3 = 0x2B
    ADDRX4 = 0x2C
    GNU_REF_ALT = 0x1F20
    GNU_STRP_ALT = 0x1F21
