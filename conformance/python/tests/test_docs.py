"""The programs of the README and of docs/testing.md, as tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent
PAGES = [HERE / "README.md", HERE.parent.parent / "docs" / "testing.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_programs_of_a_page_pass(pytester: pytest.Pytester, page: Path) -> None:
    programs = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    assert programs
    for number, program in enumerate(programs):
        (pytester.path / f"test_program_{number}.py").write_text(program)
    tests = sum(program.count("\ndef test_") for program in programs)
    assert tests >= len(programs)
    pytester.runpytest().assert_outcomes(passed=tests)
