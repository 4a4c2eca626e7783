"""The ledger: the record of what each update really used. No torch.

ledger    what training sees: a row for each update, thinned and passed on as asked
tail      the file that is appended to: rotated, cut back, whole after a kill
parts     the files of a ledger, read as one           lines    one row: written, and read back strictly
reading   rows and columns                             frames   the same in pandas and Polars
trackers  to TensorBoard and Weights & Biases, live or replayed
"""

from rheostat.ledger.frames import to_pandas, to_polars
from rheostat.ledger.ledger import Ledger
from rheostat.ledger.reading import columns, iterate, read_ledger
from rheostat.ledger.trackers import tensorboard, to_tensorboard, to_wandb, wandb

__all__ = [
    "Ledger",
    "columns",
    "iterate",
    "read_ledger",
    "tensorboard",
    "to_pandas",
    "to_polars",
    "to_tensorboard",
    "to_wandb",
    "wandb",
]
