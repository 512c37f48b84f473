"""Writes the crates of a large program: what a service of a hundred crates has, by the hundred.

Each crate has modules of structs and enums with derives, collections of them (which is where
most debug information of a real program comes from: the standard library's generics, once for
each type), trait objects, and trees of async functions that wait on what tokio offers. Some trees
of each crate are spawned, so the types of the tasks are spread over the whole program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

__all__ = ["Size", "write"]


@dataclass(frozen=True, slots=True)
class Size:
    """How many crates, and what each of them has."""

    crates: int
    modules: int = 6
    structs: int = 5
    enums: int = 2
    trees: int = 3
    """Trees of async functions in a module; the first of them is spawned, ``copies`` times."""
    deep: int = 4
    copies: int = 2


WORKSPACE = """\
[workspace]
members = ["large", "part*"]
resolver = "2"

[profile.dev]
debug = 2
panic = "abort"
incremental = false
# What cargo has for incremental builds, and so for the development builds of real programs.
codegen-units = 256
"""
TOKIO = 'tokio = { version = "=1.54.1", features = ["macros", "rt-multi-thread", "sync", "time"] }'
PACKAGE = """\
[package]
name = "{name}"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
{dependencies}
"""
MODULE = """\
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, Mutex, Notify, RwLock, Semaphore};

const HOUR: Duration = Duration::from_secs(3600);
"""
DERIVES = "#[derive(Clone, Debug, {default}PartialEq, Eq, Hash, PartialOrd, Ord)]"
SCALARS = ("u8", "u16", "u32", "u64", "i32", "i64", "usize", "bool", "char", "String")
NAMES = """
account address amount asset batch bearer branch budget carrier channel client code count credit
customer day debit entry field fee flag holder index invoice item key label ledger limit line
market mode name node note offer order owner page part path period price quota rank rate reason
region role scope seat sender share size slot source state stock sum tag target term ticket time
token total trade unit user value vendor vote weight zone
"""
WORDS = NAMES.split()
COLLECT = """
pub fn gather_{name}(given: &[{struct}], with: &{enum}) -> BTreeMap<{struct}, Vec<{enum}>> {{
    let mut by_kind: HashMap<{struct}, {enum}> = HashMap::new();
    for each in given {{
        by_kind.entry(each.clone()).or_insert_with(|| with.clone());
    }}
    let mut sorted: Vec<{struct}> = by_kind.keys().cloned().collect();
    sorted.sort();
    sorted.dedup();
    sorted.retain(|each| given.contains(each));
    let mut queue: VecDeque<{struct}> = sorted.iter().rev().cloned().collect();
    let mut found = BTreeMap::new();
    while let Some(next) = queue.pop_front() {{
        let of_it: Vec<{enum}> = by_kind
            .iter()
            .filter(|(key, _)| **key <= next)
            .map(|(_, kind)| kind.clone())
            .take(3)
            .collect();
        found.insert(next, of_it);
    }}
    let seen: BTreeSet<{enum}> = found.values().flatten().cloned().collect();
    found.retain(|_, kinds| kinds.iter().any(|kind| seen.contains(kind)));
    found
}}

pub fn most_{name}(given: Vec<{struct}>) -> Option<Arc<{struct}>> {{
    let boxed: Vec<Box<{struct}>> = given.into_iter().map(Box::new).collect();
    let most = boxed.iter().max_by(|a, b| a.cmp(b)).map(|each| Arc::new((**each).clone()));
    most.filter(|each| format!("{{each:?}}").len() > 1)
}}

impl Described for {struct} {{
    fn describe(&self) -> String {{
        format!("{{self:?}}")
    }}
}}
"""
DESCRIBED = """
pub trait Described {
    fn describe(&self) -> String;
}
"""
LEAVES = (
    "let lock = Arc::new(Mutex::new(given.clone()));\n"
    "    let _first = lock.lock().await;\n"
    "    let second = lock.lock().await; // mutex\n"
    "    drop(second);",
    "let lock = RwLock::new(given.clone());\n"
    "    let _first = lock.read().await;\n"
    "    let second = lock.write().await; // rwlock\n"
    "    drop(second);",
    "let permits = Semaphore::new(1);\n"
    "    let _first = permits.acquire().await;\n"
    "    let second = permits.acquire_many(1).await; // semaphore\n"
    "    drop(second);",
    "let bell = Notify::new();\n    bell.notified().await; // notify",
    "let (sender, mut receiver) = mpsc::channel::<{struct}>(4);\n"
    "    let got = receiver.recv().await; // mpsc\n"
    "    drop((sender, got));",
    "let (sender, receiver) = oneshot::channel::<{struct}>();\n"
    "    let got = receiver.await; // oneshot\n"
    "    drop((sender, got));",
    "tokio::time::sleep(HOUR).await; // timer",
)
KINDS = ("mutex", "rwlock", "semaphore", "notify", "mpsc", "oneshot", "timer")
FIRST = """
pub async fn {name}_0(given: {struct}) -> Vec<{enum}> {{
    let all = vec![given.clone()];
    {leaf}
    all.iter().map(|each| each.into()).collect()
}}
"""
NEXT = """
pub async fn {name}_{level}(given: {struct}, of: {enum}) -> Vec<{enum}> {{
    let before = gather_{module}(std::slice::from_ref(&given), &of);
    let told: Box<dyn Described + Send> = Box::new(given.clone());
    let mut found = {call}.await;
    found.extend(before.into_values().flatten());
    found.truncate(told.describe().len());
    found
}}
"""
MAIN = """\
use std::{{fs, thread, time::Duration}};

/// Returns when every other thread sleeps: each task stands at the await where it stays.
fn wait_until_all_sleep() {{
    let own = fs::read_link("/proc/thread-self").expect("procfs");
    let mut looks = 0;
    while looks < 50 {{
        thread::sleep(Duration::from_millis(2));
        let asleep = fs::read_dir("/proc/self/task")
            .expect("procfs")
            .flatten()
            .filter(|each| own.file_name() != Some(&each.file_name()))
            .filter_map(|each| fs::read_to_string(each.path().join("stat")).ok())
            .all(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S')));
        looks = if asleep {{ looks + 1 }} else {{ 0 }};
    }}
}}

fn main() {{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let touched: usize = [{touch}].iter().sum();
    let _inside = runtime.enter();
    let mut tasks = Vec::new();
    {spawn}
    wait_until_all_sleep();
    println!("fact tasks {{}}", tasks.len());
    println!("fact touched {{touched}}");
    std::process::abort();
}}
"""


def write(folder: Path, size: Size) -> dict[str, int]:
    """Write the workspace; return how many tasks wait on what.

    A file that is as it was is not touched: cargo builds only what is new.
    """
    waits: dict[str, int] = {}
    names = [f"part{number:03}" for number in range(size.crates)]
    _put(folder / "Cargo.toml", WORKSPACE)
    for number, name in enumerate(names):
        files, kinds = _crate(Random(number), size)
        _put(folder / name / "Cargo.toml", PACKAGE.format(name=name, dependencies=TOKIO))
        for path, text in files.items():
            _put(folder / name / "src" / path, text)
        for kind in kinds:
            waits[kind] = waits.get(kind, 0) + 1
    own = "\n".join([TOKIO, *(f'{name} = {{ path = "../{name}" }}' for name in names)])
    _put(folder / "large" / "Cargo.toml", PACKAGE.format(name="large", dependencies=own))
    touch = ", ".join(f"{name}::touch()" for name in names)
    spawn = "\n    ".join(f"tasks.extend({name}::spawn());" for name in names)
    _put(folder / "large" / "src" / "main.rs", MAIN.format(touch=touch, spawn=spawn))
    return waits


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _crate(random: Random, size: Size) -> tuple[dict[str, str], list[str]]:
    """Return the sources of a crate by name, and what its tasks wait on."""
    files = {}
    modules = [f"{random.choice(WORDS)}{number}" for number in range(size.modules)]
    spawned, kinds = [], []
    for module in modules:
        leaves = [random.randrange(len(LEAVES)) for _ in range(size.trees)]
        files[f"{module}.rs"] = _module(random, size, leaves)
        for _ in range(size.copies):
            spawned.append(f"tokio::spawn({module}::start_0()),")
            kinds.append(KINDS[leaves[0]])
    lines = ["#![allow(unused)]", ""]
    lines += [f"pub mod {each};" for each in modules]
    lines.append("")
    lines.append("pub fn touch() -> usize {")
    lines.append("    " + " + ".join(f"{each}::touch()" for each in modules))
    lines.append("}")
    lines.append("pub fn spawn() -> Vec<tokio::task::JoinHandle<usize>> {")
    lines.append("    vec![" + " ".join(spawned) + "]")
    lines.append("}")
    files["lib.rs"] = "\n".join(lines) + "\n"
    return files, kinds


def _module(random: Random, size: Size, leaves: list[int]) -> str:
    parts = [MODULE, DESCRIBED]
    structs = [f"{random.choice(WORDS).title()}{number}" for number in range(size.structs)]
    enums = [f"{random.choice(WORDS).title()}Kind{number}" for number in range(size.enums)]
    for number, struct in enumerate(structs):
        parts.append(_struct(random, struct, structs[:number]))
    for enum in enums:
        parts.append(_enum(random, enum, structs))
    for number, struct in enumerate(structs):
        parts.append(COLLECT.format(name=number, struct=struct, enum=enums[number % len(enums)]))
    touched = []
    for number, leaf in enumerate(leaves):
        parts.extend(_tree(random, number, leaf, structs, enums, size.deep))
        touched.append(f"std::mem::size_of_val(&start_{number}())")
    parts.append("\npub fn touch() -> usize {\n    " + "\n        + ".join(touched) + "\n}\n")
    return "".join(parts)


def _struct(random: Random, name: str, before: list[str]) -> str:
    fields = random.sample(WORDS, random.randint(3, 9))
    types = [_type(random, before) for _ in fields]
    lines = [f"    pub {field}_: {type_}," for field, type_ in zip(fields, types, strict=True)]
    head = DERIVES.format(default="Default, ")
    return "\n".join(["", head, f"pub struct {name} {{", *lines, "}", ""])


def _enum(random: Random, name: str, structs: list[str]) -> str:
    variants = random.sample(WORDS, random.randint(4, 10))
    lines = []
    for variant in variants:
        shape = random.randrange(3)
        data = ("", f"({_type(random, structs)})", f" {{ of: {_type(random, structs)}, at: u64 }}")
        lines.append(f"    {variant.title()}{data[shape]},")
    head = DERIVES.format(default="")
    text = "\n".join(["", head, f"pub enum {name} {{", "    Unset,", *lines, "}", ""])
    for struct in structs:
        text += (
            f"\nimpl From<&{struct}> for {name} {{\n"
            f"    fn from(_: &{struct}) -> Self {{\n        {name}::Unset\n    }}\n}}\n"
        )
    return text


def _type(random: Random, others: list[str]) -> str:
    plain = random.choice(SCALARS)
    if others and random.random() < 0.4:
        plain = random.choice(others)
    wrapped = ("{}", "{}", "Option<{}>", "Vec<{}>", "Box<{}>", "Arc<{}>", "Option<Vec<{}>>")
    return random.choice(wrapped).format(plain)


def _tree(
    random: Random, number: int, leaf: int, structs: list[str], enums: list[str], deep: int
) -> Iterator[str]:
    """Yield the functions of one tree: ``start_N`` awaits the highest, the lowest waits."""
    name = f"step_{number}"
    which = random.randrange(len(structs))
    struct, enum = structs[which], enums[which % len(enums)]
    waits = LEAVES[leaf].replace("{struct}", struct)
    yield FIRST.format(name=name, struct=struct, enum=enum, leaf=waits)
    for level in range(1, deep):
        below = f"{name}_{level - 1}(given{', of' if level > 1 else ''})"
        if random.random() < 0.25:
            kind = f"Pin<Box<dyn Future<Output = Vec<{enum}>> + Send>>"
            below = f"{{\n        let boxed: {kind} = Box::pin({below});\n        boxed\n    }}"
        yield NEXT.format(
            name=name, level=level, struct=struct, enum=enum, module=which, call=below
        )
    yield (
        f"\npub async fn start_{number}() -> usize {{\n"
        f"    let most = most_{which}(vec![{struct}::default()]);\n"
        f"    let found = {name}_{deep - 1}({struct}::default(), {enum}::Unset).await;\n"
        f"    most.map_or(0, |each| each.describe().len()) + found.len()\n}}\n"
    )
