"""The command as a user runs it: a real process, what it prints, how it ends."""

from pathlib import Path

import pytest

from cli.command import rheostat, rheostat_from_the_shell

TINY = str(Path(__file__).parents[1] / "training" / "tiny.py")
SPEC = "warmup('5%') >> cosine(end=0.1)"


def test_help_and_version():
    assert "show" in rheostat_from_the_shell("--help").stdout
    assert rheostat_from_the_shell("--version").stdout.strip() == "0.1.0"
    assert "--steps-per-epoch" in rheostat("show", "--help").stdout


def test_show_draws_and_prints_the_key_points():
    done = rheostat("show", SPEC, "--epochs", "90", "--steps-per-epoch", "391", "--lr", "3e-4", "--at", "3 epochs")
    assert done.returncode == 0
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80
    for line in ("1759      4.50  0.0003        peak", "35190     90.00  3e-05         held after the end"):
        assert line in done.stdout
    assert "update 1173: 0.000200114 = 0.0003 × warmup('5%') 0.667045" in done.stdout


def test_two_schedules_are_compared():
    done = rheostat("show", SPEC, "warmup('5%') >> linear(end=0.1)", "--steps", "1000")
    assert "difference: first at 51" in done.stdout


def test_show_without_a_length_where_none_is_needed():
    assert "last shown" in rheostat("show", "inverse_sqrt('100 steps')").stdout


def test_show_prints_findings():
    done = rheostat("show", "step(every='30 steps', factor=0.1)", "--epochs", "100", "--steps-per-epoch", "391")
    assert "! unit: every='30 steps'" in done.stdout


def test_show_in_a_plain_terminal():
    assert rheostat("show", "cosine()", "--steps", "100", PYTHONIOENCODING="ascii").stdout.isascii()


def test_show_writes_the_picture(tmp_path):
    done = rheostat("show", SPEC, "--steps", "100", "--png", str(tmp_path / "a.png"))
    assert f"picture: {tmp_path / 'a.png'}" in done.stdout
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("lint", SPEC, "--steps", "1000"), 0, "nothing stands out"),
        (
            ("lint", "warmup('2 epochs') >> cosine(over='9 epochs')", "--epochs", "5", "--steps-per-epoch", "10"),
            1,
            "cut off:",
        ),
        (("lint", "cosine(", "--steps", "1000"), 2, "error: not a schedule"),
        (("lint", SPEC), 2, "no length is given: need one of --steps N"),
    ],
)
def test_lint_tells_by_its_status(arguments, status, text):
    done = rheostat(*arguments)
    assert done.returncode == status
    assert text in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show",), "no schedule is given. Try rheostat show"),
        (("show", "cosine", "--steps", "9"), "'cosine' is not called. Try 'cosine()'.\n  cosine\n  ^ column 1"),
        (("show", "cosine() >> linaer()", "--steps", "9"), "unknown schedule 'linaer'. Try 'linear(...)'."),
        (("show", "cosine()"), "need a known length"),
        (("show", "cosine()", "--steps", "9", "--epochs", "3"), "need one horizon"),
        (("show", "cosine()", "--epochs", "3"), "--epochs needs --steps-per-epoch as well"),
        (("show", "cosine()", "--steps", "0"), "steps=0: need a whole number ≥ 1"),
        (("show", "cosine()", "--steps", "9", "--lr", "-1"), "--lr=-1.0: need a finite number ≥ 0. Try --lr=1."),
        (("show", "cosine()", "--steps", "9", "--png", "no/such/a.png"), "need a folder that exists"),
        (("show", "cosine()", "--steps", "9", "--png", "a.gif"), "need a name that ends in .png"),
        (("show", "cosine()", "--steps", "9", "--at", "soon"), "t='soon': need a number"),
        (("show", "cosine()", "--steps", "9", "--at", "²"), "t='²': need a number"),
        (("show", "cosine()", "--steps", "9", "--at", "nan"), "t=nan: need a finite number"),
        (("show", "cosine()", "--steps", "9", "--at=-5"), "t=-5.0: need a finite number"),
        (("show", "cosine()", "--steps", "9", "--png", ""), "png='': need a path"),
        (("show", "cosine()", "--time", "30"), "need a wall-clock length with its unit. Try time='30 min' or '30 h'."),
        (("lint", "cosine()", "--steps", "9", "--lr", "nan"), "--lr=nan: need a finite number ≥ 0."),
        (("train", TINY, "--out", ""), "out='': need a path"),
        (("find", TINY, "--effort", "9" * 5000), "need one of 'fast', 'balanced', 'thorough'"),
        (("train", "nothing.py"), "no such file"),
        (("train", TINY, "--schedule", "cosin()"), "unknown schedule 'cosin'"),
        (("train", TINY, "--resume"), "no run runs/tiny-1 to resume"),
    ],
)
def test_bad_input_ends_with_one_clean_message(arguments, message, tmp_path):
    done = rheostat(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", ["2.5", "nan", "inf", "1e400", "abc", "³", ""])
def test_a_count_that_is_no_whole_number_is_not_rounded(wrong):
    done = rheostat("lint", "cosine()", "--steps", wrong)
    assert done.returncode == 2
    assert f"Invalid value for --steps: need a whole number, not '{wrong}'" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "cosine()", "--epochs", "2", "--steps-per-epoch", "2.5"),
        ("train", TINY, "--steps", "2.5"),
        ("tune", TINY, "--steps", "2.5"),
        ("find", TINY, "--steps", "20.5"),
        ("find", TINY, "--repeats", "1.5"),
        ("find", TINY, "--jobs", "1.5"),
    ],
)
def test_no_count_is_rounded(arguments, tmp_path):
    done = rheostat(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "need a whole number, not" in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


def test_a_count_and_a_place_may_be_written_with_an_exponent():
    done = rheostat("show", "linear()", "--steps", "1e3", "--at", "5e2")
    assert "1000  0             held after the end" in done.stdout
    assert "update 500: factor linear() 0.5" in done.stdout


def test_a_warning_is_one_clean_line(tmp_path):
    rheostat("train", TINY, "--epochs", "2", "--quiet", "--out", "a", cwd=tmp_path)
    again = ("--epochs", "1", "--quiet", "--out", "a", "--resume", "--on-change", "adopt")
    done = rheostat("train", TINY, *again, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: training goes on past the end of the schedule")
    assert "Warning:" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_to_do_about_a_change_is_said_in_the_command_s_own_words(tmp_path):
    rheostat("train", TINY, "--epochs", "2", "--quiet", "--out", "a", cwd=tmp_path)
    done = rheostat("train", TINY, "--epochs", "3", "--quiet", "--out", "a", "--resume", cwd=tmp_path)
    assert done.returncode == 2
    assert "--on-change keep" in done.stderr and "on_change" not in done.stderr


def test_train_and_resume(tmp_path):
    done = rheostat_from_the_shell("train", TINY, "--epochs", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in (
        "epoch   2  accuracy",
        "first LR",
        "peak LR",
        "last LR",
        "largest relative difference",
        "none",
        "picture.png, report.html",
    ):
        assert text in done.stdout
    assert "lr 1.4" in done.stdout  # the bar ends with what the last update used, and not with what would come next
    again = rheostat("train", TINY, "--epochs", "2", "--schedule", "linear()", "--lr", "0.5", cwd=tmp_path)
    assert "in runs/tiny-2:" in again.stdout
    resumed = rheostat("train", TINY, "--epochs", "2", "--resume", "--out", "runs/tiny-1", "--quiet", cwd=tmp_path)
    assert (resumed.returncode, resumed.stdout) == (0, "")
