"""`python -m atdt …`: the same commands as the installed `atdt`."""

from atdt.cli import main

if __name__ == "__main__":
    main(prog_name="atdt")
