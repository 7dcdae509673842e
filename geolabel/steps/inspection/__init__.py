"""What a file is: told by its content, and described, each kind in its own report."""
