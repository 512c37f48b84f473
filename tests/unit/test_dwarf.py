"""DIEs, types, functions and tables of real programs, compared with pyelftools."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import pytest
from elftools.dwarf.ranges import BaseAddressEntry, RangeEntry
from elftools.elf.elffile import ELFFile

from adp_tui.engine.dwarf import search
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.files import read_header
from adp_tui.engine.dwarf.ranges import ranges_of
from adp_tui.engine.dwarf.types import Kind

TYPES = {
    "DW_TAG_structure_type": (Kind.STRUCT, Kind.ENUM),
    "DW_TAG_union_type": (Kind.UNION,),
    "DW_TAG_enumeration_type": (Kind.C_ENUM,),
    "DW_TAG_base_type": (Kind.BASE,),
    "DW_TAG_pointer_type": (Kind.POINTER,),
    "DW_TAG_array_type": (Kind.ARRAY,),
    "DW_TAG_subroutine_type": (Kind.FUNCTION,),
}
SPACES = {
    "DW_TAG_namespace",
    "DW_TAG_structure_type",
    "DW_TAG_union_type",
    "DW_TAG_enumeration_type",
    "DW_TAG_subprogram",
}


class Oracle:
    """What pyelftools reads: the program's own units, and some of the standard library's."""

    def __init__(self, path):
        self.dwarf = ELFFile(path.open("rb")).get_dwarf_info()
        units = list(self.dwarf.iter_CUs())
        own = [u for u in units if "shapes" in text(u.get_top_DIE(), "DW_AT_name")]
        others = sorted((u for u in units if u not in own), key=lambda u: u["unit_length"])
        self.own = own
        self.units = own + others[:2]
        self.dies = [die for unit in self.units for die in unit.iter_DIEs() if not die.is_null()]
        assert len(own) >= 1 and len(self.dies) > 50

    def tagged(self, *tags):
        return [die for die in self.dies if die.tag in tags]


def text(die, name="DW_AT_name"):
    found = die.attributes.get(name)
    return "" if found is None else found.value.decode()


def target(die, name="DW_AT_type"):
    return die.get_DIE_from_attribute(name).offset if name in die.attributes else None


def number(die: Any, name: str) -> Any:
    found = die.attributes.get(name)
    return None if found is None else found.value


def path_of(die):
    """Return the qualified name by the parents."""
    parts = []
    while die is not None:
        if die.tag in SPACES and text(die):
            parts.append(text(die))
        die = die.get_parent()
    return "::".join(reversed(parts))


@pytest.fixture(scope="module")
def oracle(sample):
    return Oracle(sample)


@pytest.fixture(scope="module")
def debug(sample, open_debug):
    return open_debug(sample)


def test_every_die_and_attribute(oracle, debug):
    """WHEN the whole tree of a unit is walked THEN tags, values, strings and depth are right."""

    def walk(die, depth):
        yield die, depth
        for child in die.children():
            yield from walk(child, depth + 1)

    for unit in oracle.units:
        top = debug.die(unit.get_top_DIE().offset)
        expected = {d.offset: d for d in unit.iter_DIEs() if not d.is_null()}
        found = dict(walk(top, 0))
        assert [d.offset for d in found] == sorted(expected)
        for die, depth in found.items():
            other = expected[die.offset]
            assert depth == len(list(parents(other)))
            declared = [attribute for attribute, _, _ in die.declaration.attributes]
            assert declared == [_code(n) for n in other.attributes]
            for attribute in other.attributes.values():
                code = _code(attribute.name)
                if isinstance(attribute.value, bytes):
                    assert die.text(code) == attribute.value.decode()
                elif isinstance(attribute.value, list):
                    assert die.block(code) == bytes(attribute.value)
                elif attribute.form.startswith("DW_FORM_addr"):
                    assert die.address(code) == attribute.value
                elif attribute.form.startswith("DW_FORM_ref"):
                    named_die = other.get_DIE_from_attribute(attribute.name)
                    assert die.reference(code) == named_die.offset
                elif attribute.form == "DW_FORM_flag_present":
                    assert die.number(code) == 1
                else:
                    assert die.number(code) == attribute.raw_value


def parents(die):
    while (die := die.get_parent()) is not None:
        yield die


def _code(name):
    from elftools.dwarf.enums import ENUM_DW_AT

    return ENUM_DW_AT.get(name, name) if isinstance(name, str) else name


def test_types(oracle, debug):
    """WHEN a type is asked for THEN kind, name, size, members and parameters are right."""
    seen = set()
    for die in oracle.tagged(*TYPES):
        type_ = debug.type_at(die.offset)
        assert type_.kind in TYPES[die.tag] and type_.offset == die.offset
        seen.add(type_.kind)
        if die.tag in SPACES:
            assert type_.name == path_of(die)
        if die.tag != "DW_TAG_array_type" and "DW_AT_byte_size" in die.attributes:
            assert type_.size == number(die, "DW_AT_byte_size")
        children = list(die.iter_children())
        assert [(m.name, m.offset, m.type.offset) for m in type_.members] == [
            (text(c), number(c, "DW_AT_data_member_location") or 0, unqualified(c))
            for c in children
            if c.tag == "DW_TAG_member"
        ]
        params = [c for c in children if c.tag == "DW_TAG_template_type_param"]
        assert (type_.body.params or {}) == {text(c): target(c) or 0 for c in params}
    assert {Kind.STRUCT, Kind.UNION, Kind.C_ENUM, Kind.BASE, Kind.POINTER, Kind.ARRAY} <= seen


def unqualified(die):
    """Return the offset of a DIE's type behind typedefs and qualifiers; 0 for void."""
    while "DW_AT_type" in die.attributes:
        die = die.get_DIE_from_attribute("DW_AT_type")
        if die.tag not in (
            "DW_TAG_typedef",
            "DW_TAG_const_type",
            "DW_TAG_volatile_type",
        ):
            return die.offset
    return 0


def test_variants_and_discriminants(oracle, debug):
    """WHEN an enum or coroutine is asked for THEN each variant has its discriminant value."""
    parts = oracle.tagged("DW_TAG_variant_part")
    for part in parts:
        type_ = debug.type_at(part.get_parent().offset)
        found = type_.variant_part
        assert type_.kind is Kind.ENUM and found is not None
        discriminant = number(part, "DW_AT_discr")
        assert (found.discriminant is None) == (discriminant is None)
        size = 16
        if found.discriminant is not None:
            size = found.discriminant.type.size
            member = part.get_DIE_from_attribute("DW_AT_discr")
            assert found.discriminant.offset == number(member, "DW_AT_data_member_location")
        expected = []
        for variant in part.iter_children():
            if variant.tag == "DW_TAG_variant":
                (member,) = [c for c in variant.iter_children() if c.tag == "DW_TAG_member"]
                value = number(variant, "DW_AT_discr_value")
                if isinstance(value, list):
                    value = int.from_bytes(bytes(value), "little")
                value = None if value is None else value % (1 << 8 * size)
                expected.append((value, text(member).isdigit(), target(member)))
        assert [
            (v.value, v.member.name.isdigit(), v.member.type.offset) for v in found.variants
        ] == expected
        for variant in found.variants:
            inner = debug.die(variant.member.type_offset).text()
            assert variant.name == inner or variant.name == variant.member.name


def test_enumerators(oracle, debug):
    """WHEN an enumeration is asked for THEN negative values are found as they lie in memory."""
    for die in oracle.tagged("DW_TAG_enumeration_type"):
        size = number(die, "DW_AT_byte_size")
        expected = {
            number(c, "DW_AT_const_value") % (1 << 8 * size): text(c)
            for c in die.iter_children()
            if c.tag == "DW_TAG_enumerator"
        }
        assert debug.type_at(die.offset).enumerators == expected


def test_arrays(oracle, debug):
    for die in oracle.tagged("DW_TAG_array_type"):
        counts = [
            number(c, "DW_AT_count")
            if "DW_AT_count" in c.attributes
            else (number(c, "DW_AT_upper_bound") + 1) % (1 << 64)
            for c in die.iter_children()
            if c.tag == "DW_TAG_subrange_type"
            and ("DW_AT_count" in c.attributes or "DW_AT_upper_bound" in c.attributes)
        ]
        type_ = debug.type_at(die.offset)
        count = 1
        for each in counts:
            count *= each
        if counts:
            assert type_.count == count
            assert type_.size == count * debug.type_at(target(die)).size


def functions(oracle):
    return [
        die
        for die in oracle.tagged("DW_TAG_subprogram")
        if die.attributes.get("DW_AT_low_pc") is not None
        and number(die, "DW_AT_low_pc") > 1
        and "DW_AT_high_pc" in die.attributes
    ]


def named(die):
    """Return the DIE that carries a function's name."""
    while True:
        for link in ("DW_AT_abstract_origin", "DW_AT_specification"):
            if link in die.attributes:
                die = die.get_DIE_from_attribute(link)
                break
        else:
            return die


def test_functions_by_address(oracle, debug):
    """WHEN a function is looked up by its first or any later address THEN it is that one."""
    by_low = defaultdict(list)
    for die in functions(oracle):
        by_low[number(die, "DW_AT_low_pc")].append(die)
    assert len(by_low) >= 3
    for low, dies in by_low.items():
        function = debug.function_at(low)
        assert function is not None
        # A linker that folds equal functions leaves several DIEs at one address.
        (die, *_) = [d for d in dies if d.offset == function.offset]
        size = number(die, "DW_AT_high_pc")
        assert (function.low, function.size) == (low, size)
        origin = named(die)
        assert function.name == path_of(origin)
        assert function.linkage_name == (
            text(die, "DW_AT_linkage_name") or text(origin, "DW_AT_linkage_name") or None
        )
        for address in (low, low + size // 2, low + size - 1):
            around = debug.scopes.around(address)
            assert around[0].offset in [d.offset for d in dies]
        after = debug.scopes.around(low + size)
        assert not after or after[0].address(AT.LOW_PC) >= low + size
        if size > 1:
            assert debug.function_at(low + 1) is None


def test_template_parameters_of_functions(oracle, debug):
    """WHEN a generic function is looked up THEN its parameters are named, inlined or not."""
    found = 0
    for die in functions(oracle):
        function = debug.function_at(number(die, "DW_AT_low_pc"))
        if function.offset != die.offset:
            continue
        for source in (die, named(die)):
            params = {
                text(c): target(c) or 0
                for c in source.iter_children()
                if c.tag == "DW_TAG_template_type_param"
            }
            if params:
                assert dict(function.params) == params
                for name, offset in params.items():
                    assert function.param(name) is debug.type_at(offset)
                found += 1
                break
        else:
            assert not function.params
    assert found or not any(
        c.tag == "DW_TAG_template_type_param" for d in functions(oracle) for c in d.iter_children()
    )


def test_units_by_address(oracle, debug):
    """WHEN a unit is looked up by an address in its code THEN it is that one."""
    lists = oracle.dwarf.range_lists()
    for unit in oracle.units:
        top = unit.get_top_DIE()
        for low, high in code_of(top, lists):
            for address in (low, (low + high) // 2, high - 1):
                assert debug.unit_at(address).offset == unit.cu_offset
    assert debug.unit_at(0) is None and debug.unit_at((1 << 64) - 1) is None


def code_of(die, lists):
    """Return the ranges of a DIE that the linker kept, as pyelftools reads them."""
    if "DW_AT_ranges" not in die.attributes:
        low = number(die, "DW_AT_low_pc")
        size = number(die, "DW_AT_high_pc") if "DW_AT_high_pc" in die.attributes else 0
        return [(low, low + size)] if low and size else []
    base = number(die.cu.get_top_DIE(), "DW_AT_low_pc") or 0
    offset = number(die, "DW_AT_ranges")
    ranges = []
    for entry in lists.get_range_list_at_offset(offset, cu=die.cu):
        if isinstance(entry, BaseAddressEntry):
            base = entry.base_address
        elif isinstance(entry, RangeEntry):
            shift = 0 if entry.is_absolute else base
            if entry.end_offset > entry.begin_offset and shift + entry.begin_offset > 1:
                ranges.append((shift + entry.begin_offset, shift + entry.end_offset))
    return ranges


def test_ranges(oracle, debug):
    """WHEN a DIE with scattered code is asked THEN each of its ranges is there."""
    lists = oracle.dwarf.range_lists()
    checked = 0
    for die in oracle.dies:
        if "DW_AT_ranges" in die.attributes or "DW_AT_low_pc" in die.attributes:
            own = debug.die(die.offset)
            if own.tag in (0x48, 0x0A):  # A call site or label has an address and no code.
                continue
            assert [r for r in ranges_of(own) if r[0] > 1] == code_of(die, lists)
            checked += "DW_AT_ranges" in die.attributes
    assert checked or len(oracle.own) == 1


def test_file_tables(oracle, debug):
    """WHEN a declaration names its file by number THEN its path is that of the line table."""
    for unit in oracle.units:
        program = oracle.dwarf.line_program_for_CU(unit)
        own = debug.search.unit_of(unit.cu_offset)
        debug.sections.table(own)
        table = debug.files(own)
        header = read_header(debug.sections, own)
        assert header.version == program["version"]
        assert header.opcode_base == program["opcode_base"]
        assert header.line_base == program["line_base"]
        first = 0 if header.version >= 5 else 1
        folders = [f.decode() for f in program["include_directory"]]
        for index, entry in enumerate(program["file_entry"]):
            name, folder = entry.name.decode(), entry.dir_index
            if header.version < 5:
                folder = folders[folder - 1] if folder else ""
            else:
                folder = folders[folder] if folder else ""
            expected = name if name.startswith("/") or not folder else f"{folder}/{name}"
            path, directory = table.file(index + first)
            assert path == expected
            assert directory == text(unit.get_top_DIE(), "DW_AT_comp_dir")
        assert table.file(len(program["file_entry"]) + first) is None


def test_abbreviations(oracle, debug):
    """WHEN a unit's abbreviations are read THEN each declaration is that of pyelftools."""
    from elftools.dwarf.enums import ENUM_DW_TAG

    for unit in oracle.units:
        own = debug.search.unit_of(unit.cu_offset)
        table = debug.sections.table(own)
        theirs = unit.get_abbrev_table()
        assert len(table) > 3
        for code, declaration in table.items():
            other = theirs.get_abbrev(code)
            assert declaration.tag == ENUM_DW_TAG[other["tag"]]
            assert declaration.children == other.has_children()
            assert [a for a, _, _ in declaration.attributes] == [
                _code(s.name) for s in other["attr_spec"]
            ]


def test_types_by_name(oracle, debug):
    """WHEN a type is looked up by its full name THEN every copy of it is found, nothing else."""
    expected = defaultdict(set)
    for die in oracle.tagged("DW_TAG_structure_type", "DW_TAG_union_type", "DW_TAG_base_type"):
        inline = die.attributes.get("DW_AT_name")
        # Nobody looks for vtables' types, nor for names that stand in the DIE itself: gcc's of
        # up to three letters.
        if (
            inline is not None
            and inline.form != "DW_FORM_string"
            and not text(die).endswith("{vtable_type}")
            and "DW_AT_declaration" not in die.attributes
        ):
            expected[path_of(die) if die.tag in SPACES else text(die)].add(die.offset)
    units = {unit.cu_offset for unit in oracle.units}
    for name, offsets in itertools.islice(expected.items(), 400):
        found = [t for t in debug.types_named(name)]
        assert {t.name for t in found} == {name}
        mine = {t.offset for t in found if debug.search.unit_of(t.offset).offset in units}
        assert mine == offsets


def test_variables_by_name(oracle, debug):
    """WHEN a static is looked up by its last name THEN it is found under its full path."""
    checked = 0
    for die in oracle.tagged("DW_TAG_variable"):
        name = text(die)
        if name and "DW_AT_location" in die.attributes and name.isupper():
            found = {v.offset: v.name for v in debug.variables_named(name)}
            assert found[die.offset] == f"{path_of(die)}::{name}".removeprefix("::")
            checked += 1
    assert checked or oracle.own[0].get_top_DIE().attributes["DW_AT_language"].value != 0x1C


@pytest.mark.parametrize("most", [search.MAX_STANDING, 3])
def test_vtables_by_address(oracle, debug, monkeypatch, most):
    """WHEN a vtable is looked up by its location THEN it is found, gathered before or not."""
    monkeypatch.setattr(search, "MAX_STANDING", most)
    fresh = search.Search(debug.sections, debug.units)
    checked = 0
    for die in oracle.tagged("DW_TAG_variable"):
        location = die.attributes.get("DW_AT_location")
        if location is not None and (text(die) or "").endswith("::{vtable}"):
            found = fresh.by_expression(bytes(location.value), TAG.VARIABLE)
            assert die.offset in {each.offset for each in found}
            checked += 1
    assert checked or oracle.own[0].get_top_DIE().attributes["DW_AT_language"].value != 0x1C
