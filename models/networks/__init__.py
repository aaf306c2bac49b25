"""Network architectures, one per file; they know tensors, not pictures, prompts or files."""
