"""``python -m geodl``: the same as the command ``geodl``."""

from geodl.cli import main

main()
