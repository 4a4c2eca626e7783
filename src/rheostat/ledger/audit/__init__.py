"""The audit: what a log says was used, beside what was planned, and which mistake explains a difference. NumPy only.

auditing   audit(): from a log and a schedule to an Audit         result    the Audit, and how it reads
source     where logs come from     tables, events   CSV, JSONL, TensorBoard     guess   which columns
plan       planned values at any position; one log beside them
variants   plans that count as PyTorch's schedulers do
search     the order in which mistakes are tried
mistakes   those that last the whole run     moments   those that begin at some update     warmups   the rise
"""

from rheostat.ledger.audit.auditing import audit
from rheostat.ledger.audit.result import Audit, FirstDifference

__all__ = ["Audit", "FirstDifference", "audit"]
