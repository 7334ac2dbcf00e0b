"""`make mutants`: change the arithmetic piece by piece; a test fails each time, or we say why not.

Every module of [tool.mutmut] in pyproject.toml, or those named after the command. What stands is
compared with docs/mutation-survivors.md, line by line: the command fails when a mutant stands that
the list does not hold, or when the list holds one that is killed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

LIST = Path("docs/mutation-survivors.md")
CAUGHT = ("killed", "timeout")
_HEADING = re.compile(r"## `(.+)`")
_STRICT = re.compile(r",\s*(?:strict=\w+)?(?=\s*\))")
_SURVIVOR = re.compile(r"- `([^`]+)` `([^`]+)`: .+")


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    module: str
    function: str
    change: str
    """The lines that the mutant has and the code has not; when it only drops lines, those."""

    def __str__(self) -> str:
        return f"`{self.function}` `{self.change}`"


def find_modules(named: Sequence[str]) -> dict[str, Path]:
    modules = {".".join(path.with_suffix("").parts): path for path in walk_mutatable_files()}
    return {name: path for name, path in sorted(modules.items()) if not named or name in named}


def read_list() -> Iterator[Mutant]:
    """The mutants that the document holds; ValueError at a line that tells no reason."""
    module = ""
    for line in LIST.read_text("utf-8").splitlines():
        if heading := _HEADING.fullmatch(line):
            module = heading[1]
        elif line.startswith("- "):
            survivor = _SURVIVOR.fullmatch(line)
            if survivor is None:
                raise ValueError(f"neither a mutant nor a reason: {line}")
            yield Mutant(module, survivor[1], survivor[2])


def find_survivors(module: str, path: Path) -> tuple[int, set[Mutant]]:
    """How many mutants of a module were run, and those that no test killed."""
    data = SourceFileMutationData(path=path)
    data.load()
    codes = data.exit_code_by_key
    standing = (key for key, code in codes.items() if status_by_exit_code[code] not in CAUGHT)
    return len(codes), {found for key in standing if (found := describe(module, key, path))}


def describe(module: str, key: str, path: Path) -> Mutant | None:
    """None when all that changes is how strict a `zip` is: that lengths agree is only stated."""
    lines = get_diff_for_mutant(key, path=path).splitlines()[2:]
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    if _STRICT.sub("", before) == _STRICT.sub("", after):
        return None
    function, class_name = orig_function_and_class_names_from_key(key)
    name = function if class_name is None else f"{class_name}.{function}"
    return Mutant(module, name, after or f"without {before}")


def main(named: Sequence[str]) -> bool:
    """Whether what stands is what the list holds."""
    modules = find_modules(named)
    if unknown := set(named) - set(modules):
        raise SystemExit(f"not in [tool.mutmut] of pyproject.toml: {', '.join(sorted(unknown))}")
    shutil.rmtree("mutants", ignore_errors=True)
    mutmut = Path(sys.executable).with_name("mutmut")
    patterns = [f"{name}.x*" for name in modules]
    # The same everywhere: without the network's shared files, which not everybody has.
    own = {name: value for name, value in os.environ.items() if name != "RESEAU_SHARED_DIR"}
    subprocess.run([mutmut, "run", *patterns], check=True, stdout=sys.stderr, env=own)
    listed = {mutant for mutant in read_list() if mutant.module in modules}
    found: set[Mutant] = set()
    for name, path in modules.items():
        count, survivors = find_survivors(name, path)
        found.update(survivors)
        sys.stdout.write(f"{name}: {count} mutants, {len(survivors)} stand\n")
    for mutant in sorted(found - listed):
        sys.stdout.write(f"stands, and is not listed: {mutant.module} {mutant}\n")
    for mutant in sorted(listed - found):
        sys.stdout.write(f"is listed, and does not stand: {mutant.module} {mutant}\n")
    return found == listed


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
