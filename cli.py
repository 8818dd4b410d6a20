"""`python cli.py …` from a checkout: the same commands as the installed `atdt`."""

from atdt.cli import main

if __name__ == "__main__":
    main()
