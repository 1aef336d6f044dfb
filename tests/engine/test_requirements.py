from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ollama_lab.engine import requirements

CHECKOUT = str(Path(requirements.__file__).parents[2])


def names(found: list[requirements.Problem]) -> list[str]:
    return [problem.what for problem in found]


@pytest.mark.engine
def test_a_machine_that_runs_the_engine_has_no_problem() -> None:
    assert requirements.problems() == []


def test_packages_that_are_not_installed_come_with_the_command_that_installs_them() -> None:
    # -S leaves site-packages out, which is what an environment without the extra looks like.
    code = "from ollama_lab.engine import requirements; print(requirements._missing_packages())"

    answer = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {CHECKOUT!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout

    assert "needs xllamacpp and tornado, not installed here." in answer
    assert 'pip install "ollama-lab[engine]"' in answer


@pytest.mark.skipif(sys.platform != "linux", reason="libgomp.so.1 is a matter of Linux")
def test_an_openmp_library_that_does_not_load_is_named_with_three_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libgomp.so.1").write_bytes(b"not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))

    found = requirements._missing_openmp()

    assert "libgomp.so.1" in names(found)[0]
    assert "apt-get install libgomp1" in found[0].remedy
    assert "dnf install libgomp" in found[0].remedy
    assert "conda install libgomp" in found[0].remedy


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        pytest.param("avx fma f16c bmi2", "AVX2", id="no AVX2"),
        pytest.param("sse4_2", "AVX2, FMA, F16C, BMI2", id="an old CPU"),
        pytest.param("avx2 avx512f fma f16c", "BMI2", id="no BMI2"),
    ],
)
def test_a_cpu_without_what_the_engine_is_compiled_for_is_named(flags: str, words: str) -> None:
    found = requirements._old_cpu(f"processor : 0\nflags\t\t: fpu {flags}\n")

    assert names(found) == [f"The embedded engine needs a CPU with {words}, and this one has not."]
    assert "OLLAMA_HOST" in found[0].remedy


def test_a_cpu_with_all_of_it_is_no_problem() -> None:
    assert requirements._old_cpu("flags : avx2 fma f16c bmi2\n") == []


def test_looking_for_problems_loads_nothing_into_the_caller() -> None:
    code = (
        "import sys; from ollama_lab.engine import requirements; requirements.problems();"
        "print([n for n in ('xllamacpp', 'tornado', 'requests') if n in sys.modules])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout

    assert answer.strip() == "[]"
