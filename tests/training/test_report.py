"""What a run leaves to be read: planned beside used, the search before it, and nothing that is another run's."""

import base64
import sys
from html import unescape

import pytest
import torch

import rheostat as rh
from rheostat.errors import RheostatWarning
from training.tiny import task


def page(result):
    return unescape((result.out / "report.html").read_text(encoding="utf-8"))


def train(tmp_path, schedule="cosine()", name="run", **options):
    return rh.train(task(schedule=schedule, epochs=2), out=tmp_path / name, progress=False, **options)


@pytest.mark.usefixtures("no_pictures")
def test_it_says_what_was_planned_for_every_group(tmp_path):
    def grouped():
        made = task(epochs=2)
        weights, biases = list(made.model[0].parameters()), list(made.model[3].parameters())
        groups = [{"params": weights, "name": "body", "lr": 1e-3}, {"params": biases, "name": "head", "lr": 0.02}]
        made.optimizer = torch.optim.AdamW(groups)
        made.schedule = {
            "weight_decay": "linear()",
            "lr": {"body": "cosine(end=absolute(1e-4))", "head": "constant(0, over='1 steps') >> cosine()"},
        }
        return made

    result = rh.train(grouped(), out=tmp_path / "run", progress=False)
    assert result.difference == 0
    assert result.plan == (
        ("key", "group", "schedule", "base value"),
        ("weight_decay", "all", "linear()", "0.01"),
        ("lr", "body", "cosine(end=absolute(0.0001))", "0.001"),
        ("lr", "head", "constant(0, over='1 steps') >> cosine()", "0.02"),
    )
    seen = page(result)
    assert "refused" not in seen  # an absolute level needs the base value to be judged
    assert all(cell in seen for row in (*result.rows, *result.plan) for cell in row)


@pytest.mark.usefixtures("no_pictures")
def test_what_looks_wrong_with_a_schedule_is_said(tmp_path):
    result = train(tmp_path, schedule="step(every='1000 steps', factor=0.1)")
    assert "! " in result.notes
    assert result.notes in page(result)


@pytest.mark.usefixtures("no_pictures")
def test_a_run_without_a_scheduled_learning_rate_ends_like_others(tmp_path):
    result = train(tmp_path, schedule={"weight_decay": "linear()"})
    assert result.difference == 0
    assert result.rows[1][0] == "first weight_decay"


@pytest.mark.usefixtures("no_pictures")
def test_a_search_before_it_stays_in_the_page_when_the_run_goes_on(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "find.txt").write_text("suggestion  0.018\n")
    first = train(tmp_path)
    again = rh.train(task(schedule="cosine()", epochs=4), out=first.out, resume=True, on_change="adopt", progress=False)
    assert again.updates == 16
    for text in ("Finding the learning rate", "suggestion  0.018", "16 updates, accuracy"):
        assert text in page(again)


def test_a_picture_of_another_run_is_not_shown(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "find.png").write_bytes(b"anything")
    drawn = train(tmp_path)
    old = base64.b64encode(drawn.picture.read_bytes()).decode()
    assert old in page(drawn)
    assert "Finding" not in page(drawn)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    longer = task(schedule="cosine()", epochs=4)
    result = rh.train(longer, out=drawn.out, resume=True, on_change="adopt", progress=False)
    assert result.picture is None
    assert old not in page(result)


@pytest.mark.usefixtures("no_pictures")
def test_a_page_that_cannot_be_written_costs_nothing_else(tmp_path):
    (tmp_path / "run" / "report.html").mkdir(parents=True)
    with pytest.warns(RheostatWarning, match=r"no report: .*All else was saved"):
        result = train(tmp_path)
    assert result.updates == 8
    assert (result.out / "state.pt").exists()


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("value", "text"), [(0.99716, "0.9972"), (1e-9, "1e-09"), (1e30, "1e+30"), (0.0, "0.0000"), (float("nan"), "nan")]
)
def test_a_metric_is_shown_in_as_many_digits_as_are_read(tmp_path, value, text):
    made = task(epochs=1)
    made.evaluate = lambda model: {"it": value}
    result = rh.train(made, out=tmp_path / "run", progress=False)
    assert ("it", "", "", text) in result.rows
    assert f"4 updates, it {text}." in page(result)
