"""The ledger: the record of what each update really used. No torch.

ledger    writing, one row for each update
reading   rows, columns, and what is left after a crash
"""

from rheostat.ledger.ledger import Ledger
from rheostat.ledger.reading import columns, read_ledger

__all__ = ["Ledger", "columns", "read_ledger"]
