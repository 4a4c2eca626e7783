"""What is resumed: every shape, compositions, several keys, groups, optimizers and clocks."""

import numpy as np
import torch

import rheostat as rh
from resume.runs import Case, adamw, groups_of, sgd


def bowl(progress):
    return 0.25 + (progress - 0.5) ** 2


SHAPES = [
    Case("constant", "constant(0.5)"),
    Case("linear", "linear(end=0.05)"),
    Case("warmup", "warmup('6 steps')"),
    Case("warmup_from", "warmup('6 steps', start=0.1)"),
    Case("warmup_cosine", "warmup('1 epochs', shape='cosine')"),
    Case("warmup_exponential", "warmup('50%', start=0.01, shape='exponential')"),
    Case("cosine", "cosine(end=0.1)"),
    Case("polynomial", "polynomial(power=1.7, end=0.01)"),
    Case("exponential", "exponential(factor=0.7, every='1 epochs')"),
    Case("step", "step(every='3 steps', factor=0.6)"),
    Case("multistep", "multistep(at=['2 steps', '2 epochs', '75%'], factor=0.3)"),
    Case("inverse_sqrt", "inverse_sqrt('3 steps')"),
    Case("one_minus_sqrt", "one_minus_sqrt(end=0.02)"),
    Case("rex", "rex(end=0.01)"),
    Case("cyclic_triangular", "cyclic(low=0.1, up='3 steps', down='2.5 steps')"),
    Case("cyclic_triangular2", "cyclic(low=0.1, up='2 steps', mode='triangular2')"),
    Case("cyclic_exp_range", "cyclic(low=0.1, up='3 steps', mode='exp_range', factor=0.8, every='1 epochs')"),
    Case("cosine_restarts", "cosine_restarts(period='3 steps', growth=1.5, end=0.05, decay=0.7)"),
    Case("one_cycle", "one_cycle()"),
    Case("one_cycle_three_phase", "one_cycle(warmup='25%', shape='linear', three_phase=True)"),
    Case("one_cycle_momentum", {"lr": "one_cycle()", "momentum": "one_cycle_momentum()"}),
    Case("wsd", "wsd(warmup='2 steps', cooldown='40%')"),
    Case("trapezoid", "trapezoid(warmup='3 steps', cooldown='5 steps', end=0.01)"),
    Case("piecewise", "piecewise([('0 steps', 0.2), ('1 epochs', 1.0), ('100%', 0.1)])"),
    Case("piecewise_constant", "piecewise([('2 steps', 1.0), ('2 epochs', 0.5)], shape='constant')"),
    Case("piecewise_cosine", "piecewise([('1 steps', 0.1), ('30%', 1.0), ('90%', 0.2)], shape='cosine')"),
    Case("plateau", "plateau(factor=0.5, patience=0)", metric_every=1),
    Case("plateau_patient", "plateau(factor=0.3, patience=1, cooldown=2, floor=0.05)", rh.Run(), metric_every=1),
    Case("plateau_max", "plateau(factor=0.5, patience=1, mode='max', relative=False)", metric_every=2),
    Case("from_function", rh.from_function(bowl)),
    Case("from_numpy", rh.from_function(np.cos)),
]

COMPOSITIONS = [
    Case("warmup_then_cosine", "warmup('4 steps') >> cosine(end=0.1)"),
    Case("transformer", "warmup('4 steps') >> inverse_sqrt('4 steps')", rh.Run()),
    Case("four_parts", "warmup('2 steps') >> constant(over='3 steps') >> linear(end=0.3) >> constant(0.1, over='25%')"),
    Case("product", "linear() * cyclic(low=0.2, up='2 steps')"),
    Case(
        "product_of_three",
        "cosine(end=0.2) * exponential(factor=0.9, every='1 epochs') * step(every='5 steps', factor=0.5)",
    ),
    Case("warmup_over_all", "warmup('5 steps') * polynomial(power=2.0)"),
    Case("clipped", "inverse_sqrt('2 steps').clip(min=0.4, max=0.9)"),
    Case("clipped_absolute", rh.cosine().clip(min=rh.absolute(0.01))),
    Case("scaled", "(warmup('3 steps') >> rex()).scale(0.3)"),
    Case("repeated", "linear().repeat(4)"),
    Case("repeated_uneven", "cosine(end=0.1).repeat(3)"),
    Case("repeated_sequence", "(warmup('2 steps') >> linear(over='3 steps')).repeat(2) >> constant(0.1)"),
    Case("absolute_end", rh.warmup("3 steps", start=rh.absolute(1e-3)) >> rh.cosine(end=rh.absolute(2e-3))),
    Case(
        "absolute_points", rh.piecewise([("0 steps", rh.absolute(1e-3)), ("8 steps", 1.0), ("100%", rh.absolute(1e-4))])
    ),
    Case(
        "nested",
        "(warmup('10%') >> (linear(end=0.5) >> cosine(start=0.5, over='3 steps')) * constant(0.9)) >> constant(0.01, over='2 steps')",
    ),
    Case(
        "sequence_in_product",
        "(constant(over='1 epochs') >> linear()) * (linear(start=0.1, end=1.0, over='5 steps') >> constant())",
    ),
    Case("deep", "((cosine(end=0.2).clip(max=0.8) * rex(end=0.5)).scale(1.5) * warmup('3 steps')).clip(min=0.05)"),
    Case(
        "in_turns", "step(every='1 epochs', factor=0.5) * (constant(over='50%') >> cosine_restarts(period='2 steps'))"
    ),
    Case("cosine_with_plateau", "cosine(end=0.1) * plateau(factor=0.5, patience=0)", metric_every=1),
    Case("plateau_after_warmup", "warmup('3 steps') >> constant() * plateau(factor=0.5, patience=0)", metric_every=1),
    Case("plateau_then_linear", "plateau(factor=0.5, patience=0, over='9 steps') >> linear()", metric_every=1),
    Case(
        "two_plateaus",
        "plateau(factor=0.5, patience=0, over='7 steps') >> plateau(factor=0.3, patience=1)",
        metric_every=1,
    ),
    Case(
        "plateau_times_plateau",
        "plateau(factor=0.5, patience=0) * plateau(factor=0.7, patience=2, mode='max')",
        metric_every=1,
    ),
    Case(
        "plateau_wrapped",
        "(warmup('2 steps') >> plateau(factor=0.5, patience=1)).clip(min=0.2).scale(1.1)",
        metric_every=2,
    ),
]

_late = lambda net: [torch.optim.SGD(groups_of(net, 0.1, 0.03), momentum=0.9, weight_decay=0.01)]
_late_adamw = lambda net: [torch.optim.AdamW(groups_of(net, 0.1, 0.03), weight_decay=0.01)]


def _named(net):
    groups = groups_of(net, 0.1, 0.03, 0.05)
    for group, name in zip(groups, ("body", "neck", "body"), strict=True):
        group["name"] = name  # a name twice, too
    return [torch.optim.AdamW(groups, weight_decay=0.01)]


def _two(net):
    return [
        torch.optim.SGD(groups_of(net, 0.1), momentum=0.9),
        torch.optim.AdamW(groups_of(net, 0.0, 0.03, 0.05)[1:], weight_decay=0.02),
    ]


def _muon(net):
    matrices = [net[i].weight for i in (0, 2)]
    chosen = {id(p) for p in matrices}
    rest = [p for p in net.parameters() if id(p) not in chosen]
    return [torch.optim.Muon(matrices, lr=0.02), torch.optim.AdamW(rest, lr=0.01)]


PLACES = [
    Case(
        "several_keys",
        {"lr": "one_cycle()", "betas[0]": "one_cycle_momentum()", "weight_decay": "linear(end=0.5)"},
        optimizers=adamw,
    ),
    Case("betas", {"betas[0]": "linear(end=0.9)", "betas[1]": "cosine(end=0.95)"}, optimizers=adamw),
    Case("per_group", {"lr": {"1": "cosine(end=0.3)", "*": "warmup('3 steps') >> linear()"}}),
    Case(
        "named_groups",
        {"lr": {"neck": "constant()", "*": "rex()"}, "weight_decay": {"neck": "linear()", "*": "constant(0.5)"}},
        optimizers=_named,
    ),
    Case("two_optimizers", "warmup('3 steps') >> cosine()", optimizers=_two),
    Case(
        "two_optimizers_keys",
        {"lr": "linear()", "momentum": "constant(0.9)", "betas[0]": "linear(end=0.8)"},
        optimizers=_two,
    ),
    Case("muon", "wsd(warmup='10%', cooldown='40%')", optimizers=_muon),
    Case("late_joins", "warmup('4 steps') >> cosine()", optimizers=_late, late=(6, None)),
    Case(
        "late_of_its_own", "warmup('4 steps') >> cosine()", optimizers=_late, late=(6, "warmup('2 steps') >> linear()")
    ),
    Case("late_at_once", "linear()", optimizers=_late, late=(0, "rex()")),
    Case("late_same_text", "linear()", optimizers=_late, late=(5, "linear()")),
    Case(
        "late_keys",
        {"lr": "cosine()", "betas[0]": "linear(end=0.9)"},
        optimizers=_late_adamw,
        late=(5, {"lr": "rex()", "weight_decay": "linear()"}),
    ),
    Case(
        "late_plateau",
        "linear() * plateau(factor=0.5, patience=0)",
        optimizers=_late,
        late=(7, "plateau(factor=0.3, patience=1)"),
        metric_every=1,
    ),
    Case(
        "late_two_optimizers",
        "linear()",
        optimizers=lambda net: [torch.optim.SGD(groups_of(net, 0.1)), torch.optim.AdamW(net[2].parameters())],
        late=(6, "cosine()"),
    ),
]

CLOCKS = [
    Case("calls", "warmup('4 steps') >> cosine(end=0.1)", clock="calls"),
    Case("calls_plateau", "cosine() * plateau(factor=0.5, patience=0)", clock="calls", metric_every=1),
    Case("epochs", "warmup('1 epochs') >> cosine(end=0.1)", rh.Run(epochs=3), clock="epochs"),
    Case(
        "epochs_plateau",
        "constant() * plateau(factor=0.5, patience=0)",
        rh.Run(epochs=3),
        clock="epochs",
        metric_every=4,
    ),
    Case(
        "epochs_late",
        "linear()",
        rh.Run(epochs=3, steps_per_epoch=4),
        clock="epochs",
        optimizers=_late,
        late=(8, "linear(end=0.5)"),
    ),
    Case("never_stepped", "warmup('4 steps') >> cosine(end=0.1)", calls_step=False),
    Case("never_stepped_plateau", "cosine() * plateau(factor=0.5, patience=0)", calls_step=False, metric_every=3),
    Case("in_epochs", "warmup('0.75 epochs') >> cosine()", rh.Run(epochs=3, steps_per_epoch=4)),
    Case(
        "in_samples",
        "warmup('100 samples') >> linear(over='200 samples') >> rex()",
        rh.Run(samples=370, samples_per_step=32),
    ),
    Case("in_tokens", "wsd(warmup='10 tokens', cooldown='30%')", rh.Run(tokens=30, tokens_per_step=2.5)),
    Case("by_the_clock", "warmup('2 s') >> cosine()", rh.Run(time="14 s")),
    Case("by_the_clock_mixed", "warmup('3 steps') >> linear()", rh.Run(time="0.25 min", seconds_per_step=1.25)),
    Case("by_the_clock_plateau", "linear() * plateau(factor=0.5, patience=0)", rh.Run(time="14 s"), metric_every=1),
    Case("by_the_clock_late", "linear()", rh.Run(time="14 s"), optimizers=_late, late=(6, "rex()")),
]


def _tensor(dtype=torch.float32, **options):
    def build(net):
        groups = groups_of(net, *(torch.tensor(lr, dtype=dtype) for lr in (0.1, 0.03, 0.05)))
        return [torch.optim.AdamW(groups, lr=torch.tensor(0.1, dtype=dtype), weight_decay=0.01, **options)]

    return build


def _shared_tensor(net):
    return [torch.optim.AdamW([{"params": g["params"]} for g in groups_of(net, 1, 1, 1)], lr=torch.tensor(0.1))]


def _many(net):
    """A group a parameter, some of them frozen at 0."""
    return [torch.optim.SGD([{"params": [p], "lr": 0.01 * i} for i, p in enumerate(net.parameters())], momentum=0.9)]


_SPEC = "warmup('4 steps') >> cosine(end=0.1)"
KERNELS = [
    Case("sgd_plain", _SPEC, optimizers=lambda net: [torch.optim.SGD(net.parameters(), lr=0.1)]),
    Case("sgd_momentum", _SPEC, optimizers=sgd),
    Case("sgd_nesterov_foreach", _SPEC, optimizers=lambda net: [torch.optim.SGD(groups_of(net, 0.1, 0.03, 0.05), momentum=0.9, nesterov=True, foreach=True)]),
    Case("sgd_fused", _SPEC, optimizers=lambda net: [torch.optim.SGD(groups_of(net, 0.1, 0.03, 0.05), momentum=0.9, fused=True)]),
    Case("adamw", _SPEC, optimizers=adamw),
    Case("adamw_amsgrad", _SPEC, optimizers=lambda net: [torch.optim.AdamW(groups_of(net, 0.1, 0.03, 0.05), amsgrad=True)]),
    Case("adamw_fused", _SPEC, optimizers=lambda net: [torch.optim.AdamW(groups_of(net, 0.1, 0.03, 0.05), fused=True)]),
    Case("adamw_foreach", _SPEC, optimizers=lambda net: [torch.optim.AdamW(groups_of(net, 0.1, 0.03, 0.05), foreach=True)]),
    Case("adamw_tensor", _SPEC, optimizers=_tensor()),
    Case("adamw_tensor_fused", _SPEC, optimizers=_tensor(fused=True)),
    Case("adamw_tensor_float64", _SPEC, optimizers=_tensor(torch.float64)),
    Case("adamw_tensor_bfloat16", _SPEC, optimizers=_tensor(torch.bfloat16)),
    Case("adamw_tensor_shared", _SPEC, optimizers=_shared_tensor),
    Case("adamw_tensor_single", _SPEC, optimizers=lambda net: [torch.optim.AdamW(net.parameters(), lr=torch.tensor(0.1))]),
    Case("adamw_tensor_plateau", "cosine() * plateau(factor=0.5, patience=0)", optimizers=_tensor(), metric_every=1),
    Case("many_groups", _SPEC, optimizers=_many),
    Case("rmsprop", {"lr": _SPEC, "alpha": "constant(0.9)"}, optimizers=lambda net: [torch.optim.RMSprop(net.parameters(), lr=0.01)]),
    Case("adagrad", _SPEC, optimizers=lambda net: [torch.optim.Adagrad(net.parameters(), lr=0.1)]),
    Case("lbfgs", _SPEC, optimizers=lambda net: [torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=3)]),
]  # fmt: skip

CASES = SHAPES + COMPOSITIONS + PLACES + CLOCKS + KERNELS
