"""One notation for Python, YAML, the command line and checkpoints: reads what repr writes. Walks Python's ast with a
list of what is allowed; nothing is evaluated, and text cannot name code.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from functools import lru_cache
from typing import Any

from rheostat.errors import NotationError, ScheduleError, brief, nearest, refuse
from rheostat.schedule import named as _named  # noqa: F401 - registers its makers
from rheostat.schedule.base import MAKERS, Schedule
from rheostat.schedule.combine import product, sequence
from rheostat.schedule.levels import absolute

_LONGEST = 60_000
_DEEPEST = 100
_MOST_DIGITS = 30
_METHODS = ("clip", "scale", "repeat", "rebase")
_OPERATORS = {ast.RShift: ">>", ast.Mult: "*"}


def parse(text: str | Schedule) -> Schedule:
    """The schedule that a text describes: the same text that its repr gives.

    Args:
        text: calls of the schedule makers with numbers, quoted lengths, lists and `absolute(...)` as arguments,
            combined by >> and * and the methods clip, scale and repeat; at most 60 000 characters.

    Returns:
        A Schedule, equal to what the same text makes in Python.

    Raises:
        ScheduleError: if the text is anything else; it points at the column (a NotationError, with `text` and
            `column`).

    Example:
        >>> import rheostat as rh
        >>> rh.parse("warmup('5%') >> cosine(end=0.1)") == rh.warmup("5%") >> rh.cosine(end=0.1)
        True
    """
    if isinstance(text, Schedule):
        return text
    if not isinstance(text, str):
        raise refuse("text", text, need="a schedule as text", mend="\"warmup('5%') >> cosine(end=0.1)\"")
    if len(text) > _LONGEST:
        raise NotationError(f"the text has {len(text)} characters: need at most {_LONGEST}.", text, _LONGEST)
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        # One line, so that a column says where; a line may break wherever a space may stand.
        self.text = "".join(" " if c in "\n\r\t\f" else c for c in text)
        self.code = self.text.strip()
        self.starts = len(self.text) - len(self.text.lstrip())

    def read(self) -> Schedule:
        if not self.code:
            raise NotationError("the text is empty: need a schedule. Try 'cosine(end=0.1)'.", self.text, 0)
        for sign, what in (("#", "a comment"), (";", "a semicolon"), ("\\", "a backslash"), ("\0", "a null character")):
            if sign in self.code:
                raise self._fail(f"not a schedule: {what} cannot stand here.", self.code.index(sign))
        try:
            with warnings.catch_warnings():  # Python's own, on code that looks odd; all of it is refused below
                warnings.simplefilter("ignore")
                tree = ast.parse(self.code, mode="eval")
        except SyntaxError as error:
            raise self._fail(f"not a schedule: {error.msg}.", (error.offset or 1) - 1) from None
        except UnicodeError:
            raise self._fail("not a schedule: not a text that can be encoded.", 0) from None
        except (ValueError, RecursionError, MemoryError):
            raise self._fail("not a schedule: nested too deeply, or a number too long.", 0) from None
        try:
            result = self.value(tree.body, 0)
        except RecursionError:
            raise self._fail("not a schedule: nested too deeply.", 0) from None
        if not isinstance(result, Schedule):
            raise self._fail(f"need a schedule, not {brief(result)}. Try 'constant()'.", 0)
        return result

    def value(self, node: ast.expr, depth: int) -> Any:
        if depth > _DEEPEST:
            raise self._at(node, f"nested more than {_DEEPEST} deep.")
        if isinstance(node, ast.Call):
            return self.call(node, depth + 1)
        if isinstance(node, ast.BinOp):
            return self.combination(node, depth + 1)
        if isinstance(node, (ast.List, ast.Tuple)):
            items = [self.value(item, depth + 1) for item in node.elts]
            return items if isinstance(node, ast.List) else tuple(items)
        return self.plain(node)

    def plain(self, node: ast.expr) -> Any:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            number = self.plain(node.operand)
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                return -number if isinstance(node.op, ast.USub) else number
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str, bool, type(None))):
            if isinstance(node.value, int) and abs(node.value) >= 10**_MOST_DIGITS:
                raise self._at(node, f"a number with more than {_MOST_DIGITS} digits.")
            return node.value
        if isinstance(node, ast.Name):
            known = nearest(node.id, MAKERS)
            if node.id in MAKERS:
                raise self._at(node, f"{node.id!r} is not called. Try '{node.id}()'.")
            raise self._at(node, f"unknown name {brief(node.id)}." + (f" Try '{known}()'." if known else ""))
        raise self._at(node, "only calls of schedules, numbers, quoted lengths and lists can stand here.")

    def call(self, node: ast.Call, depth: int) -> Any:
        if isinstance(node.func, ast.Attribute):
            make = self.method(node.func, depth)
        elif isinstance(node.func, ast.Name):
            make = self.maker(node.func)
        else:
            raise self._at(node, "only a schedule's name can be called.")
        if any(isinstance(arg, ast.Starred) for arg in node.args) or any(k.arg is None for k in node.keywords):
            raise self._at(node, "arguments cannot be unpacked with * or **.")
        args = [self.value(arg, depth) for arg in node.args]
        kwargs: dict[str, Any] = {}
        known = _parameters(getattr(make, "__func__", make)) if node.keywords else ()
        for keyword in node.keywords:
            name = str(keyword.arg)
            if name in kwargs:
                raise self._at(keyword, f"the argument {name} is given twice.")
            if name not in known:
                close = nearest(name, known)
                mend = f"Try {close}=." if close else f"Try one of {', '.join(known)}."
                raise self._at(keyword, f"unknown argument {brief(name)}. {mend}")
            kwargs[name] = self.value(keyword.value, depth)
        try:
            return make(*args, **kwargs)
        except NotationError:
            raise
        except ScheduleError as error:
            raise self._at(_blamed(node, make, str(error)), str(error)) from None
        except TypeError as error:
            raise self._at(node, f"{_readable(error)}.") from None

    def maker(self, name: ast.Name) -> Any:
        if name.id == "from_function":
            raise self._at(name, "from_function takes code, which text cannot name. Try building it in Python.")
        if name.id not in MAKERS:
            known = nearest(name.id, MAKERS)
            mend = f"Try '{known}(...)'." if known else f"Try one of {', '.join(sorted(MAKERS))}."
            raise self._at(name, f"unknown schedule {brief(name.id)}. {mend}")
        return MAKERS[name.id]

    def method(self, node: ast.Attribute, depth: int) -> Any:
        if isinstance(node.value, ast.Name) and node.value.id in ("rh", "rheostat"):
            return self.maker(ast.Name(node.attr, lineno=node.lineno, col_offset=node.col_offset))
        of = self.value(node.value, depth)
        if not isinstance(of, Schedule) or node.attr not in _METHODS:
            where = ast.Name(node.attr, col_offset=(node.end_col_offset or 0) - len(node.attr.encode()))
            raise self._at(
                where, f"unknown method {brief(node.attr)}. Try one of {', '.join(_METHODS)}, on a schedule."
            )
        return getattr(of, node.attr)

    def combination(self, node: ast.BinOp, depth: int) -> Any:
        symbol = _OPERATORS.get(type(node.op))
        if isinstance(node.op, ast.Div):
            return self.fraction(node)
        if symbol is None:
            raise self._at(node, "only >> and * combine schedules.")
        # A long chain leans to the left; walk it in a loop, so that a sequence may have hundreds of parts.
        chain: list[ast.BinOp] = [node]
        while isinstance(chain[-1].left, ast.BinOp) and type(chain[-1].left.op) is type(node.op):
            chain.append(chain[-1].left)
        nodes = [chain[-1].left, *(link.right for link in reversed(chain))]
        operands = [self.operand(one, symbol, depth) for one in nodes]
        try:
            return sequence(*operands) if symbol == ">>" else product(*operands)
        except ScheduleError as error:
            raise self._at(node, str(error)) from None

    def operand(self, node: ast.expr, symbol: str, depth: int) -> Schedule:
        value = self.value(node, depth)
        if not isinstance(value, Schedule):
            mend = f".scale({value})" if symbol == "*" else f"constant({value}, over='10 epochs')"
            mend = mend if isinstance(value, (int, float)) else "cosine()"
            raise self._at(node, f"{symbol} needs a schedule on both sides, not {brief(value)}. Try {mend}.")
        return value

    def fraction(self, node: ast.BinOp) -> float:
        """A quotient of two plain numbers, such as 1/25."""
        left, right = self.plain(node.left), self.plain(node.right)
        numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in (left, right))
        if not numbers or not right:
            raise self._at(node, "only a number can be divided by a number, and not by 0.")
        return float(left / right)

    def _at(self, node: ast.expr | ast.keyword, message: str) -> NotationError:
        # ast counts columns in UTF-8 bytes.
        column = len(self.code.encode()[: node.col_offset].decode(errors="ignore"))
        return self._fail(message, column)

    def _fail(self, message: str, column: int) -> NotationError:
        return NotationError(message, self.text, min(column + self.starts, len(self.text)))


@lru_cache(maxsize=64)
def _parameters(make: Any) -> tuple[str, ...]:
    return tuple(name for name in inspect.signature(make).parameters if name != "self")


def _blamed(node: ast.Call, make: Any, message: str) -> ast.expr:
    """The argument that an error begins with, or the whole call."""
    name = re.match(r"[a-z_]*", message)[0]  # type: ignore[index]
    given = dict(zip(inspect.signature(make).parameters, node.args, strict=False))
    given |= {str(k.arg): k.value for k in node.keywords}
    return given.get(name, node)


def _readable(error: TypeError) -> str:
    """Python's message on a wrong call, without its jargon on positional arguments."""
    text = str(error).removeprefix("Schedule.")
    words = {"keyword-only ": "named ", "required positional ": "required ", "positional ": "unnamed "}
    for jargon, word in words.items():
        text = text.replace(jargon, word)
    return text


MAKERS["absolute"] = absolute
