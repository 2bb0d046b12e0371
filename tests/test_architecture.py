"""The house rules about modules, held by reading the source: who imports whom, what may wait, what may be named."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "fhir_bridge"

ANYWHERE = frozenset({"canonical", "outcome", "paths", "exchange", "connection", "limits"})
PARTS = frozenset({
    "__init__", "settings", "fhir", "mapping", "gateway", "log_lines", "worker", "bridge", "batch", "rendering",
    "rounds", "protocol", "admission", "server", "cli", "sandbox",
})  # fmt: skip

# The part of the package on the left may import the parts on the right, and those of ANYWHERE.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "__init__": (PARTS | ANYWHERE) - {"cli"},
    "settings": ANYWHERE,
    "fhir": ANYWHERE | {"fhir"},
    "mapping": ANYWHERE | {"mapping", "fhir"},
    "gateway": ANYWHERE | {"gateway", "settings"},
    "log_lines": ANYWHERE | {"fhir"},
    "worker": ANYWHERE | {"mapping", "gateway", "fhir"},
    "bridge": ANYWHERE | {"log_lines", "worker", "mapping", "gateway", "fhir"},
    "batch": ANYWHERE | {"log_lines", "bridge", "mapping", "gateway", "fhir"},
    "rendering": ANYWHERE | {"fhir"},
    "rounds": frozenset(),
    "protocol": ANYWHERE | {"protocol", "rounds", "log_lines", "rendering", "fhir"},
    "admission": ANYWHERE | {"rounds"},
    "server": ANYWHERE | {"log_lines", "rendering", "admission", "worker", "bridge", "batch", "fhir", "settings"},
    "cli": PARTS | ANYWHERE,
    # What may be imported anywhere imports next to nothing.
    "canonical": frozenset(),
    "outcome": frozenset({"canonical"}),
    "paths": frozenset({"outcome"}),
    "limits": frozenset(),
    "exchange": frozenset({"outcome"}),
    "connection": frozenset({"outcome"}),
    # The simulated partners share nothing with the bridge, so that a wrong mapping cannot agree with itself.
    "sandbox": frozenset({"sandbox"}),
}

MAY_WAIT = frozenset(
    {"gateway", "worker", "bridge", "batch", "rounds", "protocol", "admission", "server", "cli", "sandbox"}
)
PURE = frozenset({"fhir", "mapping"})
PARTNERS = ("healthex", "ehealth", "wmda", "roche")
MAX_LINES = 400

# What answers differently from call to call, so that a pure function may not ask it.
CLOCK_AND_ENVIRONMENT = (
    "time", "random", "secrets", "os.environ", "os.getenv", "os.urandom", "uuid.uuid1", "uuid.uuid4",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: `name` as in `fhir_bridge.fhir.search`, `path` from the top of the repository."""

    name: str
    path: str
    text: str

    @property
    def part(self) -> str:
        """The row of the table: `fhir` for `fhir_bridge.fhir.search`, `__init__` for the package itself."""
        return part_of(self.name)


def module(path: str, text: str) -> Module:
    """Return the module whose file is at `path`, as `fhir_bridge/fhir/search.py`."""
    return Module(".".join(Path(path).with_suffix("").parts).removesuffix(".__init__"), path, text)


def modules() -> list[Module]:
    """Return every module of the package, in the order of their paths."""
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    return [module(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def part_of(name: str) -> str:
    """Return the part of the package that the dotted `name` belongs to."""
    return name.split(".")[1] if "." in name else "__init__"


def imported(source: Module) -> Iterator[tuple[int, str]]:
    """Yield the line and dotted name of everything that `source` imports; a relative import comes out absolute."""
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{_origin(source, node)}.{alias.name}") for alias in node.names)


def _origin(source: Module, node: ast.ImportFrom) -> str:
    """Return the absolute name of the X of `from X import …`."""
    if not node.level:
        return node.module or ""
    package = source.name.split(".")
    up = node.level - source.path.endswith("/__init__.py")
    return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


def forbidden_imports(source: Module) -> list[str]:
    """Return one complaint for each import that the table does not allow."""
    if source.part not in MAY_IMPORT:
        return [f"{source.path}:1: {source.part} is not in the table of tests/test_architecture.py; add its row"]
    allowed = MAY_IMPORT[source.part]
    ours = [(line, name) for line, name in imported(source) if name.split(".")[0] == PACKAGE]
    return [
        f"{source.path}:{line}: imports {name}; {source.part} may import {', '.join(sorted(allowed)) or 'nothing'}"
        for line, name in ours
        if _imported_part(name) not in allowed
    ]


def _imported_part(name: str) -> str:
    """Return the part that an import reaches: `from fhir_bridge import load_routes` reaches `__init__`."""
    part = part_of(name)
    return part if part in MAY_IMPORT or name.count(".") > 1 else "__init__"


def forbidden_waits(source: Module) -> list[str]:
    """Return one complaint for each `async def` outside the thin edges."""
    if source.part in MAY_WAIT:
        return []
    waits = [node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.AsyncFunctionDef)]
    return [f"{source.path}:{node.lineno}: async def {node.name}; {source.part} does not wait" for node in waits]


def partner_names(source: Module) -> list[str]:
    """Return one complaint for each partner that is named, in code, text or comment; the sandbox may."""
    if source.part == "sandbox":
        return []
    lines = enumerate(source.text.lower().splitlines(), start=1)
    return [f"{source.path}:{number}: names {name}" for number, line in lines for name in PARTNERS if name in line]


def impure_calls(source: Module) -> list[str]:
    """Return one complaint for each look at a clock, at chance or at the environment in what has to be pure."""
    if source.part not in PURE:
        return []
    tree = ast.parse(source.text)
    origins = _origins(tree)
    found = {(line, name) for line, name in _used(tree, origins) if _is_impure(name)}
    return [f"{source.path}:{line}: uses {name}; {source.part} is given such values" for line, name in sorted(found)]


def _origins(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for: `{"dt": "datetime"}` for `import datetime as dt`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
            tops = {alias.name.split(".")[0] for alias in node.names if not alias.asname}
            names |= {top: top for top in tops}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _used(tree: ast.Module, origins: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each use of something imported: `datetime.datetime.now` for `dt.datetime.now`."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and id(node) not in inner:
            first, *rest = ast.unparse(node).split(".")
            if first in origins:
                yield node.lineno, ".".join([origins[first], *rest])


def _is_impure(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in CLOCK_AND_ENVIRONMENT)


def too_long(source: Module) -> list[str]:
    """Return the complaint about a module that is longer than one idea."""
    lines = len(source.text.splitlines())
    return [f"{source.path}: {lines} lines; at most {MAX_LINES}"] if lines > MAX_LINES else []


def complaints(rule: Callable[[Module], list[str]]) -> list[str]:
    """Return what `rule` has to say of the whole package."""
    return [complaint for source in modules() for complaint in rule(source)]


def test_every_module_imports_only_what_its_row_of_the_table_allows() -> None:
    assert complaints(forbidden_imports) == []


def test_only_the_thin_edges_wait() -> None:
    assert complaints(forbidden_waits) == []


def test_no_partner_is_named_outside_the_sandbox() -> None:
    assert complaints(partner_names) == []


def test_fhir_and_mapping_ask_no_clock_no_chance_and_no_environment() -> None:
    assert complaints(impure_calls) == []


def test_no_module_is_longer_than_400_lines() -> None:
    assert complaints(too_long) == []


def test_the_whole_package_is_read() -> None:
    names = {source.name for source in modules()}

    assert {"fhir_bridge", "fhir_bridge.outcome", "fhir_bridge.fhir", "fhir_bridge.mapping.source"} <= names


def test_an_import_against_the_direction_is_named_with_its_line() -> None:
    source = module("fhir_bridge/fhir/search.py", "import re\nfrom fhir_bridge.mapping.compile import load_routes\n")

    assert forbidden_imports(source) == [
        "fhir_bridge/fhir/search.py:2: imports fhir_bridge.mapping.compile.load_routes; "
        "fhir may import canonical, connection, exchange, fhir, limits, outcome, paths"
    ]


def test_a_relative_import_is_seen_as_what_it_reaches() -> None:
    above = module("fhir_bridge/fhir/search.py", "from ..gateway import client\nfrom . import bundle\n")
    package = module("fhir_bridge/fhir/__init__.py", "from .. import server\nfrom .search import parse\n")

    assert [name for _, name in imported(above)] == ["fhir_bridge.gateway.client", "fhir_bridge.fhir.bundle"]
    assert [name for _, name in imported(package)] == ["fhir_bridge.server", "fhir_bridge.fhir.search.parse"]


def test_an_import_inside_a_function_or_for_types_only_counts_too() -> None:
    source = module("fhir_bridge/mapping/model.py", "def later():\n    import fhir_bridge.server\n")

    assert forbidden_imports(source) == [
        "fhir_bridge/mapping/model.py:2: imports fhir_bridge.server; "
        "mapping may import canonical, connection, exchange, fhir, limits, mapping, outcome, paths"
    ]


def test_the_sandbox_imports_nothing_else_of_the_package() -> None:
    source = module("fhir_bridge/sandbox/registry.py", "from fhir_bridge import outcome, sandbox\n")

    assert forbidden_imports(source) == [
        "fhir_bridge/sandbox/registry.py:1: imports fhir_bridge.outcome; sandbox may import sandbox"
    ]


def test_a_name_taken_from_the_package_itself_counts_as_the_package() -> None:
    source = module("fhir_bridge/server.py", "from fhir_bridge import load_routes\n")

    assert forbidden_imports(source) == [
        "fhir_bridge/server.py:1: imports fhir_bridge.load_routes; "
        "server may import admission, batch, bridge, canonical, connection, exchange, fhir, limits, log_lines, "
        "outcome, paths, rendering, settings, worker"
    ]


def test_a_module_that_has_no_row_is_asked_for_one() -> None:
    source = module("fhir_bridge/utils.py", "")

    assert forbidden_imports(source) == [
        "fhir_bridge/utils.py:1: utils is not in the table of tests/test_architecture.py; add its row"
    ]


def test_an_async_function_in_the_pure_middle_is_named_with_its_line() -> None:
    source = module("fhir_bridge/mapping/compile.py", "class A:\n    async def send(self): ...\n")

    assert forbidden_waits(source) == [
        "fhir_bridge/mapping/compile.py:2: async def send; mapping does not wait",
    ]


def test_a_partner_is_found_in_a_comment_and_in_any_case() -> None:
    source = module("fhir_bridge/bridge.py", "x = 1\ny = 2  # as WmdaId\n")

    assert partner_names(source) == ["fhir_bridge/bridge.py:2: names wmda"]


def test_a_clock_is_found_behind_another_name() -> None:
    source = module(
        "fhir_bridge/fhir/bundle.py",
        "import datetime as dt\nimport os.path\nimport time\nfrom os import environ as e\nfrom uuid import uuid4\n"
        "a = dt.datetime.now(dt.UTC)\nb = e['X']\nc = uuid4()\nd = time.monotonic\nf = os.getenv('X')\n",
    )

    assert impure_calls(source) == [
        "fhir_bridge/fhir/bundle.py:6: uses datetime.datetime.now; fhir is given such values",
        "fhir_bridge/fhir/bundle.py:7: uses os.environ; fhir is given such values",
        "fhir_bridge/fhir/bundle.py:8: uses uuid.uuid4; fhir is given such values",
        "fhir_bridge/fhir/bundle.py:9: uses time.monotonic; fhir is given such values",
        "fhir_bridge/fhir/bundle.py:10: uses os.getenv; fhir is given such values",
    ]


def test_a_time_of_day_and_a_given_uuid_are_no_clock() -> None:
    source = module(
        "fhir_bridge/fhir/bundle.py",
        "import datetime\nfrom uuid import UUID\na = datetime.time(1, 2)\nb = UUID(int=1)\nc = datetime.UTC\n",
    )

    assert impure_calls(source) == []


def test_a_module_of_401_lines_is_too_long() -> None:
    assert too_long(module("fhir_bridge/bridge.py", "x = 1\n" * 400)) == []
    assert too_long(module("fhir_bridge/bridge.py", "x = 1\n" * 401)) == [
        "fhir_bridge/bridge.py: 401 lines; at most 400"
    ]
