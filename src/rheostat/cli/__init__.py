"""The command `rheostat`: one file for each subcommand."""

from rheostat.cli.app import main

__all__ = ["main"]
