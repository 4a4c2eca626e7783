"""The notation: what is not a schedule is refused at once, never run, and the error points at the place."""

import functools
import pickle
import warnings

import pytest

import rheostat as rh

COLUMNS = [
    # text, where the error points (to the text from there on), what it says
    ("cosine() >> linaer()", "linaer()", "Try 'linear(...)'"),
    ("warmup('5%') >> cosine(end=-1)", "-1)", "end=-1: need"),
    ("cosine(end=foo)", "foo)", "unknown name 'foo'"),
    ("cosine(ende=1)", "ende=1", "unknown argument 'ende'. Try end=."),
    ("  cosine(end=1, end=2)", "end=2)", "the argument end is given twice."),
    ("warmup(5) >> cosine()", "5) >>", "over=5: need a length with a unit. Try '5 steps' or '5 epochs'."),
    ("warmup('é') >> linear(end=-1)", "'é')", "over='é'"),
    ("warmup('5%') * constant(over='é')", "'é')", "over='é'"),
    ("step(every='5%', factor=0)", "0)", "factor=0"),
    ("multistep(at=['5%', 5], factor=1)", "['5%'", "at[1]=5"),
    ("piecewise([('5%', absolute(-1))])", "-1", "value=-1"),
    ("cosine().clip(min=1, max=0.5)", "1, max", "min=1: need at most max=0.5"),
    ("cosine().scale(2).sacle(3)", "sacle", "unknown method 'sacle'"),
    ("cosine()\n>> linaer()", "linaer", "unknown schedule"),
    ("cosine(  # all of it\n)", "# all", "a comment cannot stand here"),
    ("cosine(end=0.1", "(end", "'(' was never closed"),
    ("cosine() * 0.5", "0.5", "* needs a schedule on both sides, not 0.5. Try .scale(0.5)."),
    ("cosine() >> 0.5", "0.5", "Try constant(0.5, over='10 epochs')."),
    ("cosine() + linear()", "cosine", "only >> and * combine schedules."),
    ("cosine(0.1)", "cosine", "cosine() takes 0 unnamed arguments but 1 was given."),
    ("step(every='5%')", "step", "step() missing 1 required named argument: 'factor'."),
    ("cosine().scale()", "cosine", "scale() missing 1 required argument: 'k'."),
    ("cosine() >> rh.linaer()", "rh.linaer()", "unknown schedule 'linaer'. Try 'linear(...)'."),
    (" cosinX()", "cosinX()", "unknown schedule 'cosinX'."),
    ("cosine(;;", ";;", "a semicolon cannot stand here"),
    ("constant((1, 2))", "(1, 2)", "factor=(1, 2): need"),
    ("constant([1, 2])", "[1, 2]", "factor=[1, 2]: need"),
    ("cosine(end=1" + 30 * "0" + ")", "1000", "a number with more than 30 digits."),
    ("cosine(end=" + 30 * "9" + ")", "9999", "end=" + 30 * "9" + ": need"),
    ("[" * 101 + "1" + "]" * 101, "1]", "nested more than 100 deep."),
    ("[" * 100 + "1" + "]" * 100, "[[[", "need a schedule, not [[["),
    ("cosine(end=" * 102 + "1" + ")" * 102, "cosine(end=1)", "nested more than 100 deep."),
]

NAMES = {name: getattr(rh, name) for name in rh.__all__ if name not in ("Scheduler", "Ledger", "Task", "train")}


@pytest.mark.parametrize(("text", "there", "message"), COLUMNS, ids=range(len(COLUMNS)))
def test_an_error_points_at_its_place(text, there, message):
    with pytest.raises(rh.NotationError) as caught:
        rh.parse(text)
    flat = text.replace("\n", " ")
    assert flat[caught.value.column :].startswith(there.replace("\n", " ")), str(caught.value)
    assert message in str(caught.value)
    _, shown, pointer = str(caught.value).split("\n")
    assert shown[pointer.index("^") :].startswith(there[: len(shown) - pointer.index("^")])


def test_in_a_long_text_the_excerpt_is_around_the_place():
    text = " >> ".join(["constant(over='1%')"] * 500) + " >> cosin()"
    with pytest.raises(rh.NotationError) as caught:
        rh.parse(text)
    _, shown, pointer = str(caught.value).split("\n")
    assert len(shown) < 80
    assert shown[pointer.index("^") :] == "cosin()"


def test_a_wrong_call_of_a_method_names_no_class():
    with pytest.raises(rh.NotationError) as caught:
        rh.parse("cosine().scale()")
    assert "Schedule." not in str(caught.value)


def test_a_text_may_be_as_long_as_it_is_said():
    assert rh.parse("cosine()" + " " * 59_992) == rh.cosine()
    with pytest.raises(rh.NotationError, match="the text has 60001 characters: need at most 60000"):
        rh.parse("cosine()" + " " * 59_993)


@pytest.mark.parametrize("depth", [1500, 10_000])
def test_of_what_is_too_deep_for_python_the_beginning_is_shown(depth):
    with pytest.raises(
        rh.NotationError, match="^not a schedule: nested too deeply(, or a number too long)?\\.\n"
    ) as caught:
        rh.parse(" " + "-" * depth + "1")
    assert caught.value.column == 1


HOSTILE = [
    "9**9**9", "1/9**9**9", "constant(9**9**9)", "cosine().repeat(9**9**9)", "(" * 5000, "[" * 150 + "]" * 150,
    "-" * 10_000 + "1", "-" * 900 + "1", "constant(" * 300, "a" * 1_000_000, "a" * 59_000, "'" * 59_000,
    "cosine()." + "scale(1)." * 2000, "cosine()" + ".scale(1)" * 6000, "cosine()" + ".scale(1)" * 70,
    " >> ".join(["cosine()"] * 4900), " * ".join(["cosine()"] * 2000), "[1," * 19_000, "cosine(end=" * 80 + "1" + ")" * 80,
    "cosine(" + "end=1," * 8000 + ")", "cosine(" + ",".join(f"a{i}=1" for i in range(6000)) + ")",
    "__import__('os').system('true')", "().__class__.__bases__", "cosine().__class__", "cosine().__class__()",
    "cosine().over()", "cosine().bind(1)", "cosine.__init__()", "cosine(__class__=1)", "(lambda: 1)()", "lambda: cosine()",
    "f'{1}'", "constant(f'{1}')", "[x for x in (1,)]", "constant([x for x in (1,)][0])", "{1: 2}", "{1}", "cosine()[0]",
    "cosine(end=9" + "9" * 5000 + ")", "cosine(end=" + "9" * 31 + ")", "cosine(end=1e99999)", "constant(1e308/1e-308)",
    "cosine(**{'end': 1})", "cosine(*[1])", "cosine() if 1 else cosine()", "cosine() or 1", "not cosine()", "cosine() < 1",
    "ｃosine(end=×)", "cosine()\x00", "cosine\ud800()", "\ufeff\ufeff", "cosine(); cosine()", "import os", "x = cosine()",
    "(x := cosine())", "await cosine()", "yield", "...", "None", "True", "b'x'", "1j", "constant(1j)", "constant(b'1')",
    "constant(...)", "constant(None)", "constant(True)", "'\\d'", "1if 2 else 3", "1()", "from_function(f=1)", "eval('1')",
    "rh.rh.cosine()", "rh.errors()", "os.cosine()", "print()", "absolute(1)", "'cosine()'", "((cosine()), 1)", "cosine()()",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused_and_never_run(text):
    with pytest.raises(rh.ScheduleError), warnings.catch_warnings():
        warnings.simplefilter("error")
        rh.parse(text)


@pytest.mark.parametrize("text", ["cosine(end=-1)", "cosin()", "cosine(", ""])
def test_an_error_survives_another_process(text):
    with pytest.raises(rh.NotationError) as caught:
        rh.parse(text)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.text, again.column) == (str(caught.value), caught.value.text, caught.value.column)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("rh.cosine(end=rh.absolute(1e-6))", "cosine(end=absolute(1e-06))"),
        ("rheostat.cosine()", "cosine()"),
        ("\n  warmup('5%')\n  >> cosine(end=1/25)\n", "warmup('5%') >> cosine(end=0.04)"),
        ("cosine(end=+0.1, start=-0.0)", "cosine(end=0.1, start=0.0)"),
        ("(warmup('5%') >> (cosine()))", "warmup('5%') >> cosine()"),
        ("multistep(at=('1 epoch', '2 epochs'), factor=.1)", "multistep(at=['1 epochs', '2 epochs'], factor=0.1)"),
        ('warmup("500 updates")', "warmup('500 steps')"),
        ("wsd(warmup='1%', cooldown='2%')", "warmup('1%') >> constant() >> one_minus_sqrt(over='2%')"),
    ],
)
def test_what_python_reads_alike_is_read_alike(text, same):
    assert repr(rh.parse(text)) == same
    assert eval(text.strip().replace("\n", " "), {**NAMES, "rh": rh, "rheostat": rh}) == rh.parse(text)


def test_a_thousand_parts_are_no_problem():
    s = functools.reduce(lambda a, b: a >> b, [rh.constant(i / 1000, over="2 steps") for i in range(1, 1001)])
    assert rh.parse(repr(s)) == s
    curve = s.over(rh.Run(steps=2000))
    assert curve.values()[-1] == curve.at(1999) == 1.0
    assert rh.lint(s, rh.Run(steps=2000)) == []
    with pytest.raises(rh.ScheduleError, match=r"^constant\(0\.001, over='2 steps'\) …: need at most 1000 parts\. "):
        s >> rh.constant()
