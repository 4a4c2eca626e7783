"""`rheostat find` as a user runs it."""

import pytest

from cli.test_cli import TINY, rheostat


def test_find_says_what_it_found_and_how_to_go_on(tmp_path):
    done = rheostat("find", TINY, "--repeats", "2", "--steps", "60", "--png", "a.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ("tiny: ", "status      ok", "suggestion  ", "× the present one", "band  ", "avoid  "):
        assert text in done.stdout
    assert "a third of where the smoothed loss is lowest" in done.stdout
    assert "picture: a.png" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    following = done.stdout.split("next        rheostat ")[1].splitlines()[0].split()
    assert following[:2] == ["train", TINY]
    trained = rheostat(*following, "--epochs", "1", "--out", "run", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr


def test_by_default_short_runs_decide(tmp_path):
    done = rheostat("find", TINY, "--png", "a.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ("suggestion  ", "band  ", "cost  ", "range test  ", "short runs  lr, score after 16 updates"):
        assert text in done.stdout
    assert "next        rheostat train" in done.stdout


def test_find_is_the_same_every_time(tmp_path):
    first, second = (rheostat("find", TINY, "--quiet", cwd=tmp_path) for _ in range(2))
    assert first.stdout == second.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "following"),
    [
        (("--steps", "40", "--max", "1e-4"), "never fell", "find {} --max 0.01"),
        (("--steps", "40", "--min", "5"), "diverged at once", "find {} --min 0.005"),
        (("--steps", "120", "--max", "3e-2"), "minimum at the edge", "find {} --max 3"),
    ],
)
def test_where_there_is_no_answer_the_next_command_is_another_test(arguments, status, following, tmp_path):
    done = rheostat("find", TINY, "--quiet", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert f"status      {status}" in done.stdout
    assert "suggestion" not in done.stdout
    assert f"next        rheostat {following.format(TINY)}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.py",), "no such file"),
        ((TINY, "--min", "0"), "min=0.0: need a finite number above 0"),
        ((TINY, "--min", "1", "--max", "0.1"), "max=0.1: need a learning rate above min=1. Try min=0.1 and max=1."),
        ((TINY, "--steps", "5"), "steps=5: need a whole number ≥ 10"),
        ((TINY, "--repeats", "0"), "repeats=0"),
        ((TINY, "--effort", "quick"), "effort='quick': need one of 'fast', 'balanced', 'thorough'"),
        (
            (TINY, "--effort", "balanced", "--steps", "50"),
            "effort='balanced': need 'fast' beside --steps and --repeats",
        ),
        ((TINY, "--effort", "20"), "effort=20: need a whole number ≥ 60"),
        ((TINY, "--png", "a.gif"), "need a name that ends in .png"),
    ],
)
def test_bad_input_ends_with_one_clean_message(arguments, message, tmp_path):
    done = rheostat("find", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
