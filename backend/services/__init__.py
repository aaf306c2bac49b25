"""One use case per file: plain arguments in, plain objects out."""
