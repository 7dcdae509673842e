"""The command line: signatures and printing."""
