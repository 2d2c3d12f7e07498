"""When something is free: the operation that is ours beyond the documents."""
