"""Programs that we did not write, and what they say of what we send."""
