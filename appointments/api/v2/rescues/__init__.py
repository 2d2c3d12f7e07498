"""Rescues: the appointments of an absent agent, moved to colleagues and back."""
