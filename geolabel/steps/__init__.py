"""One verb a file: what a command does, as a function that returns a report."""
