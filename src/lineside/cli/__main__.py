"""`python -m lineside.cli`: the same as the `lineside` command."""

from lineside.cli import main

main(prog_name="lineside")
