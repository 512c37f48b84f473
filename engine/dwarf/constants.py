"""Numbers of the DWARF 4 and 5 standards that the readers use."""

from __future__ import annotations

from typing import Final

__all__ = ["AT", "FORM", "TAG"]


class TAG:
    """DW_TAG_*: what a DIE describes."""

    ARRAY: Final = 0x01
    CLASS: Final = 0x02
    ENUMERATION: Final = 0x04
    FORMAL_PARAMETER: Final = 0x05
    LEXICAL_BLOCK: Final = 0x0B
    MEMBER: Final = 0x0D
    POINTER: Final = 0x0F
    REFERENCE: Final = 0x10
    COMPILE_UNIT: Final = 0x11
    STRUCTURE: Final = 0x13
    SUBROUTINE_TYPE: Final = 0x15
    TYPEDEF: Final = 0x16
    UNION: Final = 0x17
    VARIANT: Final = 0x19
    INLINED_SUBROUTINE: Final = 0x1D
    SUBRANGE: Final = 0x21
    BASE: Final = 0x24
    CONST: Final = 0x26
    ENUMERATOR: Final = 0x28
    SUBPROGRAM: Final = 0x2E
    TEMPLATE_TYPE: Final = 0x2F
    VARIANT_PART: Final = 0x33
    VARIABLE: Final = 0x34
    VOLATILE: Final = 0x35
    RESTRICT: Final = 0x37
    NAMESPACE: Final = 0x39
    ATOMIC: Final = 0x47
    SKELETON_UNIT: Final = 0x4A


class AT:
    """DW_AT_*: an attribute of a DIE."""

    LOCATION: Final = 0x02
    NAME: Final = 0x03
    BYTE_SIZE: Final = 0x0B
    STMT_LIST: Final = 0x10
    LOW_PC: Final = 0x11
    HIGH_PC: Final = 0x12
    LANGUAGE: Final = 0x13
    DISCR: Final = 0x15
    DISCR_VALUE: Final = 0x16
    COMP_DIR: Final = 0x1B
    CONST_VALUE: Final = 0x1C
    INLINE: Final = 0x20
    PRODUCER: Final = 0x25
    UPPER_BOUND: Final = 0x2F
    ABSTRACT_ORIGIN: Final = 0x31
    ARTIFICIAL: Final = 0x34
    COUNT: Final = 0x37
    DATA_MEMBER_LOCATION: Final = 0x38
    DECL_COLUMN: Final = 0x39
    DECL_FILE: Final = 0x3A
    DECL_LINE: Final = 0x3B
    DECLARATION: Final = 0x3C
    ENCODING: Final = 0x3E
    FRAME_BASE: Final = 0x40
    SPECIFICATION: Final = 0x47
    TYPE: Final = 0x49
    RANGES: Final = 0x55
    CALL_COLUMN: Final = 0x57
    CALL_FILE: Final = 0x58
    CALL_LINE: Final = 0x59
    CONTAINING_TYPE: Final = 0x1D
    LINKAGE_NAME: Final = 0x6E
    STR_OFFSETS_BASE: Final = 0x72
    ADDR_BASE: Final = 0x73
    RNGLISTS_BASE: Final = 0x74
    DWO_NAME: Final = 0x76
    ALIGNMENT: Final = 0x88
    LOCLISTS_BASE: Final = 0x8C
    GNU_DWO_NAME: Final = 0x2130


class FORM:
    """DW_FORM_*: how an attribute's value is stored."""

    ADDR: Final = 0x01
    BLOCK2: Final = 0x03
    BLOCK4: Final = 0x04
    DATA2: Final = 0x05
    DATA4: Final = 0x06
    DATA8: Final = 0x07
    STRING: Final = 0x08
    BLOCK: Final = 0x09
    BLOCK1: Final = 0x0A
    DATA1: Final = 0x0B
    FLAG: Final = 0x0C
    SDATA: Final = 0x0D
    STRP: Final = 0x0E
    UDATA: Final = 0x0F
    REF_ADDR: Final = 0x10
    REF1: Final = 0x11
    REF2: Final = 0x12
    REF4: Final = 0x13
    REF8: Final = 0x14
    REF_UDATA: Final = 0x15
    SEC_OFFSET: Final = 0x17
    EXPRLOC: Final = 0x18
    FLAG_PRESENT: Final = 0x19
    STRX: Final = 0x1A
    ADDRX: Final = 0x1B
    REF_SUP4: Final = 0x1C
    STRP_SUP: Final = 0x1D
    DATA16: Final = 0x1E
    LINE_STRP: Final = 0x1F
    REF_SIG8: Final = 0x20
    IMPLICIT_CONST: Final = 0x21
    LOCLISTX: Final = 0x22
    RNGLISTX: Final = 0x23
    STRX1: Final = 0x25
    STRX2: Final = 0x26
    STRX3: Final = 0x27
    STRX4: Final = 0x28
    ADDRX1: Final = 0x29
    ADDRX2: Final = 0x2A
    ADDRX3: Final = 0x2B
    ADDRX4: Final = 0x2C
    GNU_REF_ALT: Final = 0x1F20
    GNU_STRP_ALT: Final = 0x1F21
