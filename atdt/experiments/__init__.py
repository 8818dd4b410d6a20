"""What composes verbs: the demo and its tables."""
