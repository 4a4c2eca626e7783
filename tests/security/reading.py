"""What in the source could run code that data name: found by walking its syntax."""

import ast

RUNS_CODE = ("eval", "exec", "compile", "__import__", "breakpoint")
MODULES = (
    "builtins cloudpickle code codeop copyreg cPickle ctypes dill imp importlib joblib jsonpickle marshal pickle "
    "_pickle pkgutil pty runpy shelve subprocess yaml zipimport"
).split()
OF_OS = ("system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile")
ATTRIBUTES = (
    "add_safe_globals read_pickle to_pickle unsafe_load full_load load_module exec_module import_module "
    "find_class set_default_load_endianness"
).split()
OF_TORCH = ("hub", "package", "jit", "utils.cpp_extension")


def findings(source):
    """(line, what) of everything in the text of a module that could run what data name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        found += [(node.lineno, what) for what in _of(node)]
    return found


def _of(node):
    if isinstance(node, ast.Import):
        yield from (f"import {a.name}" for a in node.names if a.name.partition(".")[0] in MODULES)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if module.partition(".")[0] in MODULES:
            yield f"import {module.partition('.')[0]}"
        for name in (a.name for a in node.names):
            if (module, name) in (("torch", "load"), ("os", name)) and (name == "load" or _dangerous_os(name)):
                yield f"from {module} import {name}"
            elif module == "torch" and name in OF_TORCH:
                yield f"torch.{name}"
    elif isinstance(node, ast.Name) and node.id in RUNS_CODE:
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield from _of_attribute(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)


def _of_attribute(node):
    path = ast.unparse(node)
    if node.attr in ATTRIBUTES:
        yield node.attr
    if path.startswith("os.") and _dangerous_os(node.attr):
        yield path
    if path.startswith("torch.") and path.removeprefix("torch.") in OF_TORCH:
        yield path


def _dangerous_os(name):
    return name in OF_OS or name.startswith(("exec", "spawn"))


def _of_call(node):
    called = ast.unparse(node.func)
    given = {k.arg: ast.unparse(k.value) for k in node.keywords}
    if called == "torch.load" and given.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if given.get("allow_pickle", "False") != "False":
        yield "allow_pickle"
