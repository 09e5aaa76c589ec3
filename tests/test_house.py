"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

HOUSE = Path(__file__).parent.parent
INSTALLED = ("film", "ir", "drivers", "daemon", "config")
CODE = (*INSTALLED, "bench", "training")
ROOM_MODULES = 15
MODULE_LINES = 400
FUNCTION_LINES, KERNEL_LINES = 40, 60


def modules():
    return sorted(path for folder in CODE for path in (HOUSE / folder).rglob("*.py"))


def functions(module):
    tree = ast.parse(module.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_without_docstring(function):
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    return function.end_lineno - function.lineno + 1 - (docstring.end_lineno - docstring.lineno + 1 if docstring else 0)


def rooms():
    return sorted({path.parent for path in modules()})


def decides(function):
    """Whether a function does more than pass on: it branches, repeats or catches."""
    kinds = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match, ast.comprehension, ast.BoolOp)
    return any(isinstance(node, kinds) for node in ast.walk(function))


def is_kernel(function):
    return any("njit" in ast.dump(decorator) for decorator in function.decorator_list)


def test_tests_are_no_package():
    assert not list((HOUSE / "tests").rglob("__init__.py"))


def test_no_module_is_longer_than_it_can_be_read():
    lengths = {str(path.relative_to(HOUSE)): len(path.read_text().splitlines()) for path in modules()}
    assert {path: lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_page():
    too_long = {
        f"{module.relative_to(HOUSE)}:{function.name}": lines_without_docstring(function)
        for module in modules()
        for function in functions(module)
        if lines_without_docstring(function) > (KERNEL_LINES if is_kernel(function) else FUNCTION_LINES)
    }
    assert too_long == {}


def test_every_room_can_be_seen_at_a_glance():
    """Every module counts, also one whose name begins with `_`; numba kernels too."""
    counts = Counter(str(path.parent.relative_to(HOUSE)) for path in modules() if not path.name.startswith("__"))
    assert {room: count for room, count in counts.items() if count > ROOM_MODULES} == {}


def test_only_kernels_are_modules_that_no_other_room_sees():
    private = {path.stem for path in modules() if path.name.startswith("_") and not path.name.startswith("__")}
    assert {name for name in private if not name.endswith("_kernels")} == set()


def test_every_room_says_what_it_owns():
    silent = [
        str(room.relative_to(HOUSE))
        for room in rooms()
        if not (room / "__init__.py").exists() or not ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    ]
    assert silent == []


def test_every_module_with_behaviour_of_its_own_has_a_test_module():
    """A module whose name begins with `_` is tested through the one beside it that calls it."""
    untested = [
        str(module.relative_to(HOUSE))
        for module in modules()
        if not module.name.startswith("_")
        and any(decides(function) for function in functions(module))
        and not (HOUSE / "tests" / module.relative_to(HOUSE).with_name(f"test_{module.name}")).exists()
    ]
    assert untested == []


def test_the_console_script_answers():
    answer = subprocess.run([sys.executable, "-m", "filmscand.daemon.cli", "--help"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "clean" in answer.stdout
